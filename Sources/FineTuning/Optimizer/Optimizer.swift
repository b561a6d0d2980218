public import Recipe

/// Changes parameters along a gradient; keeps its own state between steps.
public protocol Optimizer {
    /// - Parameters:
    ///   - values: `[n]`, float32; changed in place.
    ///   - gradient: `[n]`, float32, already clipped.
    ///   - learningRate: This step's rate.
    mutating func step(values: inout [Float], gradient: [Float], learningRate: Double)
}

/// A fresh optimiser for `parameterCount` values: its state does not survive a round.
public func makeOptimizer(_ options: TrainingOptions, parameterCount: Int) -> any Optimizer {
    switch options.optimizer {
    case .adamw:
        AdamW(
            parameterCount: parameterCount, beta1: options.beta1, beta2: options.beta2, epsilon: options.epsilon,
            weightDecay: options.weightDecay)
    case .sgd:
        SGD(parameterCount: parameterCount, momentum: options.momentum, weightDecay: options.weightDecay)
    }
}
