/// Turns a round's mean update into the next global adapter.
public protocol ServerOptimizer: Sendable {
    /// - Parameters:
    ///   - global: The global adapter's flat vector, `[parameterCount]`; changed in place.
    ///   - delta: The round's mean update, `[parameterCount]`.
    mutating func step(global: inout [Float], delta: [Float])
}

/// Federated averaging: `w += Δ`.
///
/// - SeeAlso: McMahan et al. 2017 (arXiv:1602.05629).
public struct FedAvg: ServerOptimizer {
    public init() {}

    public mutating func step(global: inout [Float], delta: [Float]) {
        precondition(global.count == delta.count, "adapter \(global.count) values, update \(delta.count)")
        for index in delta.indices { global[index] += delta[index] }
    }
}
