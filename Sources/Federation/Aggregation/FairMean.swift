internal import Glibc

/// q-FedAvg's combination, `Σ Fₖ^q Δₖ / Σ (q Fₖ^(q−1) L‖Δₖ‖² + Fₖ^q)`: the workers that the adapter serves worst move it
/// most. q = 0 is the plain mean over workers; the sizes of their data do not count.
///
/// `Fₖ` is the worker's own training loss, here its mean over the round's steps where the paper takes it before the
/// first: nobody pays for another pass over their text. A shared loss would cancel and fairness with it. `Fₖ` is the
/// worker's word, so a worker that overstates it gains weight.
///
/// Below q = 1 the paper's divisor grows without bound as a loss goes to 0: one worker that says 0 would stop the round.
/// But a loss that is never negative and whose gradient changes no faster than L has `‖∇F‖² ≤ 2 L F`, which for the
/// gradient `L Δₖ` that the rule reads out of an update is `L‖Δₖ‖² ≤ 2 Fₖ`. So `L‖Δₖ‖²/Fₖ` counts as 2 at most: what a
/// worker adds to the divisor is at most `1 + 2q` times its weight, and with a loss of 0 it hardly takes part.
///
/// A worker that tells no loss counts as if it had the mean of those that do: neither fairness nor its price falls on it.
/// Where nobody tells one, all are alike and this is the plain mean.
///
/// - SeeAlso: Li et al. 2019, Algorithm 2 (arXiv:1905.10497), with both sides of the fraction divided by L; for the bound,
///   Nesterov, "Lectures on Convex Optimization", 2018, theorem 2.1.5.
public struct FairMean: UpdateCombination {
    /// How much a larger loss counts, from 0.
    public let q: Double
    /// L: how fast a worker's gradient changes, which bounds the step.
    public let lipschitz: Double
    private var sum: WeightedMean
    private var divisor = 0.0
    /// Of the losses told.
    private var lossSum = 0.0
    /// Updates of workers that tell no loss, made when the first one comes; and their `L‖Δₖ‖²`.
    private var untold: (sum: WeightedMean, squares: [Double])?

    /// Losses count as lying in here, so that no worker's report makes a sum infinite.
    static let losses = 1e-10...1e6

    public init(q: Double, lipschitz: Double, parameterCount: Int) {
        self.q = q
        self.lipschitz = lipschitz
        sum = WeightedMean(parameterCount: parameterCount)
    }

    public mutating func add(_ update: [Float], from report: UpdateReport) {
        var squares = 0.0
        for value in update { squares += Double(value) * Double(value) }
        squares *= lipschitz
        guard let told = report.trainLoss else {
            var untold = self.untold ?? (WeightedMean(parameterCount: update.count), [])
            self.untold = nil  // Or its sum would be copied.
            untold.sum.add(update, weight: 1)
            untold.squares.append(squares)
            self.untold = untold
            return
        }
        let loss = min(max(told, Self.losses.lowerBound), Self.losses.upperBound)
        divisor += share(ofLoss: loss, squares: squares)
        lossSum += loss
        sum.add(update, weight: pow(loss, q))
    }

    public func finish() throws(AggregationError) -> [Float] {
        guard let untold else { return try sum.finish(dividingBy: divisor) }
        guard sum.updateCount > 0 else { return try untold.sum.finish() }
        let loss = lossSum / Double(sum.updateCount)
        var whole = sum
        whole.add(untold.sum, times: pow(loss, q))
        return try whole.finish(
            dividingBy: untold.squares.reduce(divisor) { $0 + share(ofLoss: loss, squares: $1) })
    }

    /// What an update adds to the divisor.
    /// - Parameter squares: `L‖Δₖ‖²`.
    private func share(ofLoss loss: Double, squares: Double) -> Double {
        pow(loss, q) * (1 + q * min(squares / loss, 2))
    }
}
