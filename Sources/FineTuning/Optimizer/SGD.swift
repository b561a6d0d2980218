/// Stochastic gradient descent with momentum and coupled weight decay, as `torch.optim.SGD` computes it:
/// `g += λw; v = μv + g; w −= ηv`.
public struct SGD: Optimizer {
    public let momentum: Double
    public let weightDecay: Double
    private var velocity: [Float]

    public init(parameterCount: Int, momentum: Double = 0, weightDecay: Double = 0) {
        self.momentum = momentum
        self.weightDecay = weightDecay
        velocity = [Float](repeating: 0, count: parameterCount)
    }

    public mutating func step(values: inout [Float], gradient: [Float], learningRate: Double) {
        precondition(values.count == gradient.count && values.count == velocity.count)
        let rate = Float(learningRate)
        let momentum = Float(momentum)
        let decay = Float(weightDecay)
        for index in values.indices {
            velocity[index] = momentum * velocity[index] + gradient[index] + decay * values[index]
            values[index] -= rate * velocity[index]
        }
    }
}
