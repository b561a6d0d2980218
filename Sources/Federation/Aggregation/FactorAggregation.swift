public import ModelFiles

/// Which factors of a low-rank adapter a round trains, and how those of several workers become one
/// (`federation.aggregation`).
///
/// The mean of products is not the product of means: `mean(BA) ≠ mean(B)·mean(A)`. With one factor the same at every
/// worker the average is exact, and half as much travels; the methods that mix factors work on the products. Magnitudes
/// (DoRA) and a classification head train always.
public enum FactorAggregation: String, Hashable, Sendable, CaseIterable {
    /// A and B averaged each for itself (FedIT, arXiv:2305.05644).
    case separate
    /// A stays as it was drawn, B is averaged (FFA-LoRA, arXiv:2403.12313).
    case ffaLoRA = "ffa-lora"
    /// B and A in turn, a published round each, B first: as B starts at 0, A would have no gradient (RoLoRA,
    /// arXiv:2502.01755).
    case roLoRA = "rolora"
    /// Factors of any rank padded with zeros to the largest, weighed by the norm of their product (HetLoRA,
    /// arXiv:2401.06432).
    case hetLoRA = "hetlora"
    /// The mean product's singular vectors, as many as each worker's rank (FlexLoRA, arXiv:2402.11505), from the stacked
    /// factors (FLoRIST, arXiv:2506.09199).
    case flexLoRA = "flexlora"
    /// Means of the factors, and what the mean product is beyond theirs in a residual (FedEx-LoRA, arXiv:2410.09432).
    case fedExLoRA = "fedex-lora"
    /// The mean product goes to the residual, and every round starts from fresh factors (FLoRA, arXiv:2409.05976).
    case flora
    /// A is averaged; B is each worker's own, never leaves it and goes on there from round to round (FedSA-LoRA,
    /// arXiv:2410.01463).
    case fedSA = "fedsa"
    /// A and B are fixed, a square core between them is averaged, which is exact (Fed-SB, arXiv:2502.15436). Everything
    /// here sees the core as the whole adapter.
    case fedSB = "fed-sb"

    /// The factor that neither trains nor travels in a round.
    /// - Parameter round: From 1.
    public func frozenFactor(round: Int) -> AdapterTensorName.Factor? {
        switch self {
        case .separate, .hetLoRA, .flexLoRA, .fedExLoRA, .flora, .fedSA, .fedSB: nil
        case .ffaLoRA: .a
        case .roLoRA: round.isMultiple(of: 2) ? .b : .a
        }
    }

    /// Once in how many rounds what a round trains is trained.
    public var turns: Int { self == .roLoRA ? 2 : 1 }

    /// Whether a worker's A meets its B in the aggregation: ``MixingStep`` instead of ``ServerStep``.
    public var mixesFactors: Bool {
        switch self {
        case .separate, .ffaLoRA, .roLoRA, .fedSA, .fedSB: false
        case .hetLoRA, .flexLoRA, .fedExLoRA, .flora: true
        }
    }

    /// Whether the global model has an ``AdapterResidual`` beside its adapter.
    public var keepsResidual: Bool { self == .fedExLoRA || self == .flora }

    /// Whether workers' ranks may differ.
    public var takesMixedRanks: Bool { self == .hetLoRA || self == .flexLoRA || self == .flora }

    /// Whether the next adapter's rows mean something else than the last one's: what was remembered of single values
    /// (a residual of error feedback) is of no use then.
    public var changesBasis: Bool { self == .flexLoRA || self == .flora }

    /// The factor that every worker trains for itself.
    public var ownFactor: AdapterTensorName.Factor? { self == .fedSA ? .b : nil }

    /// What travels in a round.
    /// - Parameter round: From 1.
    public func part(of layout: AdapterLayout, round: Int) -> AdapterPart {
        AdapterPart(of: layout, without: frozenFactor(round: round) ?? ownFactor)
    }
}
