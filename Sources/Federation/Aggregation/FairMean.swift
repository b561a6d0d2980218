internal import Glibc

/// q-FedAvg's combination, `Σ Fₖ^q Δₖ / Σ (q Fₖ^(q−1) L‖Δₖ‖² + Fₖ^q)`: the workers that the adapter serves worst move it
/// most. q = 0 is the plain mean over workers; the sizes of their data do not count.
///
/// `Fₖ` is the worker's own training loss, here its mean over the round's steps where the paper takes it before the
/// first: nobody pays for another pass over their text. A shared loss would cancel and fairness with it. `Fₖ` is the
/// worker's word, so a worker that overstates it gains weight.
///
/// - SeeAlso: Li et al. 2019, Algorithm 2 (arXiv:1905.10497), with both sides of the fraction divided by L.
public struct FairMean: UpdateCombination {
    /// How much a larger loss counts, from 0.
    public let q: Double
    /// L: how fast a worker's gradient changes, which bounds the step.
    public let lipschitz: Double
    private var sum: WeightedMean
    private var divisor = 0.0

    /// Losses count as lying in here, so that no worker's report makes a sum infinite.
    static let losses = 1e-10...1e6

    public init(q: Double, lipschitz: Double, parameterCount: Int) {
        self.q = q
        self.lipschitz = lipschitz
        sum = WeightedMean(parameterCount: parameterCount)
    }

    public mutating func add(_ update: [Float], from report: UpdateReport) {
        let loss = min(max(report.trainLoss, Self.losses.lowerBound), Self.losses.upperBound)
        let weight = pow(loss, q)
        var squaredNorm = 0.0
        for value in update { squaredNorm += Double(value) * Double(value) }
        divisor += q * pow(loss, q - 1) * lipschitz * squaredNorm + weight
        sum.add(update, weight: weight)
    }

    public func finish() throws(AggregationError) -> [Float] {
        try sum.finish(dividingBy: divisor)
    }
}
