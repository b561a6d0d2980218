/// FedNova's mean, `τ_eff Σ pₖ Δₖ/τₖ` with `τ_eff = Σ pₖ τₖ`: a worker that took more steps pulls no harder for it.
///
/// With the same number of steps everywhere it is the weighted mean, up to a rounding in Double.
///
/// - SeeAlso: Wang et al. 2020 (arXiv:2007.07481), for workers whose optimiser weighs its steps alike.
public struct NormalisedMean: UpdateCombination {
    private var sum: WeightedMean
    private var totalWeight = 0.0
    private var weightedSteps = 0.0

    public init(parameterCount: Int) {
        sum = WeightedMean(parameterCount: parameterCount)
    }

    /// - Precondition: At least one step stands behind the update.
    public mutating func add(_ update: [Float], from report: UpdateReport) {
        precondition(report.steps >= 1, "\(report.steps) steps")
        sum.add(update, weight: report.weight / Double(report.steps))
        totalWeight += report.weight
        weightedSteps += report.weight * Double(report.steps)
    }

    public func finish() throws(AggregationError) -> [Float] {
        try sum.finish(dividingBy: totalWeight * (totalWeight / weightedSteps))
    }
}
