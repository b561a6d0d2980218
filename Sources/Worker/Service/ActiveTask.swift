internal import Federation
internal import Federation
internal import ModelFiles
internal import Wire

/// A lease the worker holds, and how far it is with it.
struct ActiveTask {
    enum Stage {
        /// The base model or the adapter is on its way.
        case preparing
        /// The runner computes.
        case running
        case uploading(Upload, Outstanding?)
        /// The masked update is at the coordinator; the masks are on their way off (``MaskedTask``).
        case unmasking
        case reporting(Report, Outstanding?)
    }

    let offer: Offer
    let round: Int
    let attempt: Int
    /// The identifier of the first message about it.
    let firstMessage: UInt64
    /// That of the first message that asks for what is being downloaded; an answer to an earlier one came late.
    var firstRequest: UInt64
    var stage = Stage.preparing
    /// Where the update leaves under masks.
    var masks: MaskedTask?
    /// What it starts from beside the global adapter, once it runs.
    var own = OwnStart()
    /// Whether it runs only once this machine has room for it.
    var waitsForSlot = false
    /// The latest progress of a running task.
    var step = 0
    var totalSteps = 0
    /// The mean loss that heartbeats tell, and over how many steps it is.
    var told: (loss: Double, step: Int)?

    init(offer: Offer, round: Int, attempt: Int, firstMessage: UInt64) {
        self.offer = offer
        self.round = round
        self.attempt = attempt
        self.firstMessage = firstMessage
        firstRequest = firstMessage
    }

    /// What heartbeats say about it.
    var phase: Heartbeat.Phase {
        switch stage {
        case .preparing: .downloading
        case .running: offer.task == .train ? .training : .evaluating
        case .uploading, .unmasking, .reporting: .uploading
        }
    }

    var upload: Upload? {
        if case .uploading(let upload, _) = stage { upload } else { nil }
    }
}

/// A decoded adapter version, kept for the next task that names it.
struct GlobalAdapter {
    let object: ContentHash
    let layout: AdapterLayout
    let values: [Float]
}

/// SCAFFOLD's global control variate, kept for the next task that names it.
struct GlobalControl {
    let object: ContentHash
    /// `[layout.parameterCount]` of the run's adapter.
    let values: [Float]
}

/// What a worker kept for itself, as a task finds it.
struct OwnStart {
    var control: ControlVariate?
    /// What ``control`` was made from; `nil` before the first update.
    var keptControl: [Float]?
    /// An own factor's values or a local adapter's; `nil` before the first update.
    var keptModel: [Float]?
}
