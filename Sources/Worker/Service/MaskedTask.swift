internal import SecureAggregation
internal import Wire

/// A task's part in a masked sum, beside its training.
struct MaskedTask {
    let masking: UpdateMasking
    let store: MaskStore
    let identities: KnownIdentities
    var worker: MaskingWorker
    /// The newest step that this worker has a part in.
    var step = MaskStep.Step.keys
    /// What it sends in ``step``; the masked update goes its own way.
    var message: [UInt8] = []
    /// Whether the coordinator has it: from then on the worker only asks what follows.
    var isHeld = false
    /// When to say or ask again; `nil` while the worker trains.
    var retry: Retry?
    /// The neighbours' sealed shares; training begins with them.
    var routed: RoutedShares?
    /// The masked update, once it is kept.
    var vector: [UInt8]?

    /// Enters a step with its message.
    mutating func enter(_ step: MaskStep.Step, with message: [UInt8]) {
        self.step = step
        self.message = message
        isHeld = false
        retry = nil
    }
}
