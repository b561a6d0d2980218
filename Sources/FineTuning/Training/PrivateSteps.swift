/// What makes the steps of a worker's training tell little of any one example (DP-SGD, Abadi et al. 2016,
/// arXiv:1607.00133): every example takes part in a step by a coin of its own, its gradient is cut to one norm, and noise
/// is added to their sum.
///
/// Gradients are computed one example at a time, which takes about as long as batches of one do.
public struct PrivateSteps: Sendable {
    /// Secret coins and noise.
    public protocol Source: Sendable {
        /// From 0 to below 1.
        mutating func coin() -> Double
        /// Adds independent noise to each value.
        mutating func addNoise(to sum: inout [Double])
    }

    /// The coin's probability, above 0 and at most 1.
    public let samplingRate: Double
    /// Largest L2 norm of an example's gradient, over all that is trained.
    public let clip: Double
    private var source: any Source

    public init(samplingRate: Double, clip: Double, source: any Source) {
        precondition(samplingRate > 0 && samplingRate <= 1 && clip > 0, "rate \(samplingRate), clip \(clip)")
        self.samplingRate = samplingRate
        self.clip = clip
        self.source = source
    }

    /// The examples of one step, ascending; none, if so the coins fall.
    mutating func chosen(of count: Int) -> [Int] {
        (0..<count).filter { _ in source.coin() < samplingRate }
    }

    /// Adds one example's gradient, cut to the norm; one that is not finite adds nothing.
    func add(_ gradient: [Float], to sum: inout [Double]) {
        precondition(gradient.count == sum.count, "\(gradient.count) values of \(sum.count)")
        let norm = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        guard norm.isFinite else { return }
        let factor = norm > clip ? clip / norm : 1
        for index in sum.indices { sum[index] += factor * Double(gradient[index]) }
    }

    /// The step's gradient: the sum with noise over the number of examples that coins choose on average.
    mutating func finish(_ sum: [Double], of count: Int) -> [Float] {
        var sum = sum
        source.addNoise(to: &sum)
        let divisor = max(1, samplingRate * Double(count))
        return sum.map { Float($0 / divisor) }
    }
}
