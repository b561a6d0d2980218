/// How evenly a model serves its workers: the distribution of their losses.
public struct LossSpread: Hashable, Sendable {
    public let workers: Int
    public let mean: Double
    /// Between workers, n − 1 below; 0 for one worker.
    public let deviation: Double
    public let best: Double
    public let median: Double
    public let worst: Double
    /// Mean over the tenth of the workers, at least one, with the highest losses.
    public let worstDecile: Double

    /// - Parameter losses: One a worker, at least one. Unit: nats.
    public init(_ losses: [Double]) {
        precondition(!losses.isEmpty, "no workers")
        let sorted = losses.sorted()
        let count = Double(sorted.count)
        let mean = sorted.reduce(0, +) / count
        workers = sorted.count
        self.mean = mean
        let squares = sorted.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        deviation = sorted.count > 1 ? (squares / (count - 1)).squareRoot() : 0
        best = sorted[0]
        worst = sorted[sorted.count - 1]
        median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
        let tail = sorted.suffix((sorted.count + 9) / 10)
        worstDecile = tail.reduce(0, +) / Double(tail.count)
    }
}
