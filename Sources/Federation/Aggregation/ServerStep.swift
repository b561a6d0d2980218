public import ModelFiles

/// A closed round's way from updates to the next global adapter and the server optimiser's next state.
///
/// Only the round's part of the adapter (``FactorAggregation``) changes, and with it only that part of the state.
public struct ServerStep: Sendable {
    private let strategy: ServerStrategy
    private let part: AdapterPart
    private var combination: any UpdateCombination

    /// - Parameters:
    ///   - part: What the round's updates consist of.
    ///   - robust: Takes the place of the strategy's own combination; `nil`: there is no other.
    public init(_ strategy: ServerStrategy, part: AdapterPart, robust: RobustOptions? = nil) {
        self.strategy = strategy
        self.part = part
        if let robust {
            combination = RobustCombination(robust)
        } else {
            combination = strategy.combination(parameterCount: part.count)
        }
    }

    /// Values in an update.
    private var updateCount: Int { strategy.updateCount(parameterCount: part.count) }

    /// Adds one worker's update, in worker-name order.
    /// - Parameter update: `[updateCount]`, float32; ``UpdateCheck`` let it pass.
    public mutating func add(_ update: [Float], from report: UpdateReport) {
        combination.add(update, from: report)
    }

    /// Adds encoded updates with their workers' reports, in worker-name order.
    public mutating func add(
        _ updates: [EncodedUpdate], from reports: [UpdateReport], codec: any UpdateCodec
    ) throws(CodecError) {
        try combination.add(updates, from: reports, count: updateCount, codec: codec)
    }

    /// - Parameters:
    ///   - global: The adapter's flat vector, `[parameterCount]`; changed in place.
    ///   - state: Of the same strategy, with vectors of `[parameterCount]`; changed in place.
    ///   - damping: Factor on what the updates became together: below 1 where some are stale (``BufferOptions``).
    /// - Returns: How far each update lies from what they became, where a robust rule kept them
    ///   (``UpdateCombination/distances(to:)``).
    /// - Throws: ``AggregationError``; adapter and state are as they were.
    @discardableResult
    public func apply(
        to global: inout [Float], state: inout ServerOptimizerState, damping: Double = 1
    ) throws(AggregationError) -> [Double]? {
        var delta = try combination.finish()
        let distances = combination.distances(to: delta)
        if damping != 1 {
            for index in delta.indices { delta[index] = Float(damping * Double(delta[index])) }
        }
        try apply(delta, to: &global, state: &state)
        return distances
    }

    /// The same for what the updates became together elsewhere: with noise, under differential privacy.
    /// - Parameter delta: `[part.count]`; for a strategy that keeps a control variate, with its change behind it.
    public func apply(
        _ delta: [Float], to global: inout [Float], state: inout ServerOptimizerState
    ) throws(AggregationError) {
        var optimizer = strategy.optimizer(parameterCount: part.count)
        optimizer.state = state.gathered(part)
        var values = part.gather(global)
        optimizer.step(global: &values, delta: delta)
        let next = optimizer.state
        guard UpdateCheck.isFinite(values), next.isFinite else { throw .notFinite }
        part.scatter(values, into: &global)
        state.scatter(next, to: part)
    }
}
