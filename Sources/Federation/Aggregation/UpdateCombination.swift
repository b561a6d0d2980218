/// What a worker says of its update, beside the values.
public struct UpdateReport: Hashable, Sendable {
    /// Training items behind the update, capped (``WeightCap``); above 0.
    public var weight: Double
    /// Optimiser steps; at least 1.
    public var steps: Int
    /// The worker's own mean loss over these steps. Unit: nats a token.
    public var trainLoss: Double

    public init(weight: Double, steps: Int, trainLoss: Double) {
        self.weight = weight
        self.steps = steps
        self.trainLoss = trainLoss
    }
}

/// Makes one update of a round's updates, taken one at a time: memory is O(adapter).
///
/// A float sum depends on its order: add updates in worker-name order, so that a replayed round gives the same bits.
public protocol UpdateCombination: Sendable {
    /// - Parameter update: Adapter delta, `[parameterCount]`, float32, in layout order; ``UpdateCheck`` let it pass.
    mutating func add(_ update: [Float], from report: UpdateReport)

    /// - Throws: ``AggregationError/noUpdates`` if nothing was added.
    func finish() throws(AggregationError) -> [Float]
}

extension WeightedMean: UpdateCombination {
    public mutating func add(_ update: [Float], from report: UpdateReport) { add(update, weight: report.weight) }
}
