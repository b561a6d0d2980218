/// DiLoCo's outer optimiser, Nesterov momentum on the mean update: `v = βv + Δ; w += η(Δ + βv)`, as `torch.optim.SGD`
/// with `nesterov=True` computes it on the gradient −Δ.
///
/// - SeeAlso: Douillard et al. 2023 (arXiv:2311.08105).
public struct DiLoCo: ServerOptimizer {
    public let learningRate: Double
    /// β, in `[0, 1)`.
    public let momentum: Double
    private var velocity: [Float]

    public init(learningRate: Double = 0.7, momentum: Double = 0.9, parameterCount: Int) {
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
            let change = Double(delta[index])
            let next = momentum * Double(velocity[index]) + change
            velocity[index] = Float(next)
            global[index] = Float(Double(global[index]) + learningRate * (change + momentum * next))
        }
    }
}
