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

    /// The factor that neither trains nor travels in a round.
    /// - Parameter round: From 1.
    public func frozenFactor(round: Int) -> AdapterTensorName.Factor? {
        switch self {
        case .separate: nil
        case .ffaLoRA: .a
        case .roLoRA: round.isMultiple(of: 2) ? .b : .a
        }
    }
}
