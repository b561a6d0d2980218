/// Federated averaging: `w += Δ`.
///
/// - SeeAlso: McMahan et al. 2017 (arXiv:1602.05629).
public struct FedAvg: ServerOptimizer {
    public init() {}

    public var state: ServerOptimizerState {
        get { ServerOptimizerState() }
        set { precondition(newValue.vectors.isEmpty, "FedAvg keeps no state") }
    }

    public mutating func step(global: inout [Float], delta: [Float]) {
        precondition(global.count == delta.count, "adapter \(global.count) values, update \(delta.count)")
        let delta = delta.span
        var values = global.mutableSpan
        for index in delta.indices { values[index] += delta[index] }
    }
}
