internal import ModelFiles

/// What a worker says of its update, beside the values.
public struct UpdateReport: Hashable, Sendable {
    /// Training items behind the update, capped (``WeightCap``); above 0.
    public var weight: Double
    /// Optimiser steps; at least 1.
    public var steps: Int
    /// The worker's own mean loss over these steps; `nil`: it does not tell. Unit: nats a token.
    public var trainLoss: Double?

    public init(weight: Double, steps: Int, trainLoss: Double?) {
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

    /// Adds encoded updates, in the order given; to the bit what ``add(_:from:)`` does with each, decoded.
    ///
    /// - Parameters:
    ///   - reports: One for each update, of the same weight.
    ///   - count: Values in an update.
    mutating func add(
        _ updates: [EncodedUpdate], from reports: [UpdateReport], count: Int, codec: any UpdateCodec
    ) throws(CodecError)

    /// - Throws: ``AggregationError/noUpdates`` if nothing was added.
    func finish() throws(AggregationError) -> [Float]

    /// How far each update lies from what they became together, in the order they were added; `nil` where they are not
    /// kept. Unit: L2 norm of an update.
    func distances(to aggregate: [Float]) -> [Double]?
}

extension UpdateCombination {
    public func distances(to aggregate: [Float]) -> [Double]? { nil }

    public mutating func add(
        _ updates: [EncodedUpdate], from reports: [UpdateReport], count: Int, codec: any UpdateCodec
    ) throws(CodecError) {
        for (update, report) in zip(updates, reports) {
            let bytes = update.bytes.withBytes { [UInt8]($0) }
            add(try codec.decode(bytes, count: count, seed: update.seed), from: report)
        }
    }
}

extension WeightedMean: UpdateCombination {
    public mutating func add(_ update: [Float], from report: UpdateReport) { add(update, weight: report.weight) }

    /// Folds them into the sum without an array of their values.
    public mutating func add(
        _ updates: [EncodedUpdate], from reports: [UpdateReport], count: Int, codec: any UpdateCodec
    ) throws(CodecError) {
        try add(updates, codec: codec)
    }
}
