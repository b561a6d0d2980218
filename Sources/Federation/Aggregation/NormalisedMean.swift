/// FedNova's mean, `a_eff Σ pₖ Δₖ/aₖ` with `a_eff = Σ pₖ aₖ`: a worker that took more steps pulls no harder for it.
///
/// `aₖ` is how much the gradients of a worker's steps weigh in its update, all together. Where each counts once, as with
/// plain SGD and (near enough) AdamW, that is the number of its steps `τₖ`. Momentum ρ, begun anew each round, carries a
/// gradient on into all later steps: the one that j steps are left for, its own among them, counts
/// `1 + ρ + … + ρʲ⁻¹ = (1 − ρʲ)/(1 − ρ)` times, and `aₖ = (τₖ − ρ (1 − ρ^τₖ)/(1 − ρ))/(1 − ρ)`.
///
/// With the same number of steps everywhere it is the weighted mean, up to a rounding in Double.
///
/// - SeeAlso: Wang et al. 2020 (arXiv:2007.07481), section 4, for a learning rate that stays the same within a round.
public struct NormalisedMean: UpdateCombination {
    /// ρ of the workers' SGD; 0: none.
    public let momentum: Double
    private var sum: WeightedMean
    private var totalWeight = 0.0
    private var weightedLength = 0.0

    public init(momentum: Double = 0, parameterCount: Int) {
        precondition((0..<1).contains(momentum), "a momentum of \(momentum)")
        self.momentum = momentum
        sum = WeightedMean(parameterCount: parameterCount)
    }

    /// - Precondition: At least one step stands behind the update.
    public mutating func add(_ update: [Float], from report: UpdateReport) {
        precondition(report.steps >= 1, "\(report.steps) steps")
        let length = length(steps: report.steps)
        sum.add(update, weight: report.weight / length)
        totalWeight += report.weight
        weightedLength += report.weight * length
    }

    public func finish() throws(AggregationError) -> [Float] {
        try sum.finish(dividingBy: totalWeight * (totalWeight / weightedLength))
    }

    /// `a`: the sum of its terms, as the closed form loses digits where ρ is near 1.
    private func length(steps: Int) -> Double {
        guard momentum > 0 else { return Double(steps) }
        var (length, count) = (0.0, 0.0)
        for _ in 0..<steps {
            count = 1 + momentum * count
            length += count
        }
        return length
    }
}
