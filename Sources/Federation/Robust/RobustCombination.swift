/// A round's updates for ``RobustAggregation``, which needs all of them at once: 4 bytes a parameter and worker.
///
/// Reports do not count: weights, steps and losses are a worker's own word.
public struct RobustCombination: UpdateCombination {
    private let rules: RobustAggregation
    private var updates: [[Float]] = []

    public init(_ options: RobustOptions) {
        rules = RobustAggregation(options)
    }

    public mutating func add(_ update: [Float], from report: UpdateReport) { updates.append(update) }

    public func finish() throws(AggregationError) -> [Float] { try rules.aggregate(updates) }

    public func distances(to aggregate: [Float]) -> [Double]? {
        updates.map { update in
            var squares = 0.0
            for (value, other) in zip(update, aggregate) {
                let difference = Double(value) - Double(other)
                squares += difference * difference
            }
            return squares.squareRoot()
        }
    }
}
