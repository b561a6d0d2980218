public import ModelFiles

/// Which factors of a low-rank adapter a round trains and averages (`federation.aggregation`).
///
/// The mean of products is not the product of means: `mean(BA) ≠ mean(B)·mean(A)`. With one factor the same at every
/// worker the average is exact, and half as much travels. Magnitudes (DoRA) and a classification head train always.
public enum FactorAggregation: String, Hashable, Sendable, CaseIterable {
    /// A and B averaged each for itself (FedIT, arXiv:2305.05644).
    case separate
    /// A stays as it was drawn, B is averaged (FFA-LoRA, arXiv:2403.12313).
    case ffaLoRA = "ffa-lora"
    /// B and A in turn, a published round each, B first: as B starts at 0, A would have no gradient (RoLoRA,
    /// arXiv:2502.01755).
    case roLoRA = "rolora"
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
        case .separate, .fedSA, .fedSB: nil
        case .ffaLoRA: .a
        case .roLoRA: round.isMultiple(of: 2) ? .b : .a
        }
    }

    /// The factor that every worker trains for itself.
    public var ownFactor: AdapterTensorName.Factor? { self == .fedSA ? .b : nil }

    /// What travels in a round.
    /// - Parameter round: From 1.
    public func part(of layout: AdapterLayout, round: Int) -> AdapterPart {
        AdapterPart(of: layout, without: frozenFactor(round: round) ?? ownFactor)
    }
}
