/// SCAFFOLD's combination of updates that hold Δ and the change of a control variate one behind the other: the mean of
/// the first halves over the round's workers, and the sum of the second halves over all N workers,
/// `(|S|/N) · mean(cᵢ⁺ − cᵢ)`.
///
/// All workers count alike, as in the paper: the sizes of their data do not.
public struct ScaffoldMean: UpdateCombination {
    /// N: every worker that may train, selected or not.
    public let workers: Int
    private let half: Int
    private var sum: WeightedMean

    /// - Parameter parameterCount: Values in each half.
    public init(workers: Int, parameterCount: Int) {
        self.workers = workers
        half = parameterCount
        sum = WeightedMean(parameterCount: 2 * parameterCount)
    }

    public mutating func add(_ update: [Float], from report: UpdateReport) { sum.add(update, weight: 1) }

    public mutating func add(
        _ updates: [EncodedUpdate], from reports: [UpdateReport], count: Int, codec: any UpdateCodec
    ) throws(CodecError) {
        try sum.add(updates.map { EncodedUpdate($0.bytes, seed: $0.seed, weight: 1) }, codec: codec)
    }

    public func finish() throws(AggregationError) -> [Float] {
        var mean = try sum.finish()
        let share = Double(sum.updateCount) / Double(workers)
        for index in half..<2 * half { mean[index] = Float(share * Double(mean[index])) }
        return mean
    }
}
