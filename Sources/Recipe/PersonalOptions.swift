public import ModelFiles

/// What a worker keeps for itself from round to round: part of every offer.
public struct PersonalOptions: Hashable, Sendable {
    /// The factor that every worker trains for itself: it never travels (FedSA-LoRA, arXiv:2410.01463).
    public var ownFactor: AdapterTensorName.Factor?
    /// A control variate corrects every local step, and its change travels behind the update (SCAFFOLD,
    /// arXiv:1910.06378).
    public var keepsControl: Bool
    /// A low-rank adapter of the worker's own beside the run's, which knows nothing of it.
    public var hasLocalAdapter: Bool

    public init(
        ownFactor: AdapterTensorName.Factor? = nil, keepsControl: Bool = false, hasLocalAdapter: Bool = false
    ) {
        self.ownFactor = ownFactor
        self.keepsControl = keepsControl
        self.hasLocalAdapter = hasLocalAdapter
    }

    /// Whether a worker's model is another than the run's adapter alone.
    public var isPersonal: Bool { ownFactor != nil || hasLocalAdapter }
}

extension TrainingOptions {
    /// What of the adapter a round's update holds.
    public func travellingPart(of layout: AdapterLayout) -> AdapterPart {
        AdapterPart(of: layout, without: frozenFactor ?? personal.ownFactor)
    }
}
