public import ModelFiles

/// What of an adapter a round's local work trains, and what corrects its steps.
public struct TrainingScope: Sendable {
    /// What is trained; `nil`: what the run's options do not freeze.
    public var part: AdapterPart?
    /// Added to the gradient of every step once it is clipped, `[part.count]` (SCAFFOLD's `c − cᵢ`); empty: nothing is.
    public var correction: [Float]
    /// Trains a core and where it starts, `[core.layout.parameterCount]`, in place of the adapter's own values; `part` has
    /// no meaning then.
    public var core: (adapter: CoreAdapter, values: [Float])?
    /// Bounds what the steps tell of any one example; `nil`: nothing does.
    public var privateSteps: PrivateSteps?
    /// Whether no step takes an example twice while others are left; else batches are drawn with replacement.
    public var drawsApart: Bool

    public init(
        part: AdapterPart? = nil, correction: [Float] = [], core: (adapter: CoreAdapter, values: [Float])? = nil,
        privateSteps: PrivateSteps? = nil, drawsApart: Bool = false
    ) {
        self.part = part
        self.correction = correction
        self.core = core
        self.privateSteps = privateSteps
        self.drawsApart = drawsApart
    }
}
