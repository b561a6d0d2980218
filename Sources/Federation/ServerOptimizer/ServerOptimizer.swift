/// Turns a round's mean update into the next global adapter.
///
/// A pure function of its settings, its ``state`` and its arguments. Elements are independent of each other, so it steps
/// over any part of an adapter alone. Each is computed in Double and rounded to float32 once.
public protocol ServerOptimizer: Sendable {
    /// What the next round goes on from: vectors of `[parameterCount]`, zero before the first round.
    ///
    /// Setting another optimiser's state is a mistake of the caller's: check ``ServerOptimizerState/hasShape(of:)``.
    var state: ServerOptimizerState { get set }

    /// - Parameters:
    ///   - global: The global adapter's flat vector, `[parameterCount]`; changed in place.
    ///   - delta: The round's mean update, `[parameterCount]`; ``Scaffold`` takes another vector behind it.
    mutating func step(global: inout [Float], delta: [Float])
}
