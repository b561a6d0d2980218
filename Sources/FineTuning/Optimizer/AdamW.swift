internal import Tensor

/// Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101), as `torch.optim.AdamW` computes it.
public struct AdamW: Optimizer {
    public let beta1: Double
    public let beta2: Double
    public let epsilon: Double
    public let weightDecay: Double
    private var firstMoment: [Float]
    private var secondMoment: [Float]
    private var steps = 0

    public init(
        parameterCount: Int, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0
    ) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        firstMoment = [Float](repeating: 0, count: parameterCount)
        secondMoment = [Float](repeating: 0, count: parameterCount)
    }

    public mutating func step(values: inout [Float], gradient: [Float], learningRate: Double) {
        steps += 1
        VectorKernels.adamWStep(
            values: &values, gradient: gradient, firstMoment: &firstMoment, secondMoment: &secondMoment,
            step: steps, learningRate: Float(learningRate), beta1: Float(beta1), beta2: Float(beta2),
            epsilon: Float(epsilon), weightDecay: Float(weightDecay))
    }
}
