/// Federated averaging with server momentum: `v = βv + Δ; w += ηv`.
///
/// - SeeAlso: Hsu, Qi and Brown 2019 (arXiv:1909.06335).
public struct FedAvgM: ServerOptimizer {
    public let learningRate: Double
    /// β, in `[0, 1)`.
    public let momentum: Double
    private var velocity: [Float]

    public init(learningRate: Double = 1, momentum: Double = 0.9, parameterCount: Int) {
        self.learningRate = learningRate
        self.momentum = momentum
        velocity = [Float](repeating: 0, count: parameterCount)
    }

    public var state: ServerOptimizerState {
        get { ServerOptimizerState(["velocity": velocity]) }
        set { velocity = newValue.vector("velocity", count: velocity.count) }
    }

    public mutating func step(global: inout [Float], delta: [Float]) {
        precondition(global.count == delta.count && velocity.count == delta.count, "\(delta.count) values")
        for index in delta.indices {
            let next = momentum * Double(velocity[index]) + Double(delta[index])
            velocity[index] = Float(next)
            global[index] = Float(Double(global[index]) + learningRate * next)
        }
    }
}
