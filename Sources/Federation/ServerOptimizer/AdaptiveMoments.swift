/// What FedAdam, FedYogi and FedAdagrad share: `m = β₁m + (1−β₁)Δ`, some rule for `v`, and `w += ηm / (√v + τ)`; no bias
/// correction, and both moments start at 0.
///
/// - SeeAlso: Reddi et al. 2020, Algorithm 2 (arXiv:2003.00295).
struct AdaptiveMoments: Sendable {
    let options: AdaptiveOptions
    private var first: [Float]
    private var second: [Float]

    init(_ options: AdaptiveOptions, parameterCount: Int) {
        self.options = options
        first = [Float](repeating: 0, count: parameterCount)
        second = first
    }

    var state: ServerOptimizerState {
        get { ServerOptimizerState(["first-moment": first, "second-moment": second]) }
        set {
            first = newValue.vector("first-moment", count: first.count)
            second = newValue.vector("second-moment", count: second.count)
        }
    }

    /// - Parameter accumulate: The next `v` from the present one and `Δ²`.
    mutating func step(
        global: inout [Float], delta: [Float], accumulate: (_ second: Double, _ square: Double) -> Double
    ) {
        precondition(global.count == delta.count && first.count == delta.count, "\(delta.count) values")
        for index in delta.indices {
            let change = Double(delta[index])
            let mean = options.beta1 * Double(first[index]) + (1 - options.beta1) * change
            let spread = accumulate(Double(second[index]), change * change)
            first[index] = Float(mean)
            second[index] = Float(spread)
            let move = options.learningRate * mean / (spread.squareRoot() + options.tau)
            global[index] = Float(Double(global[index]) + move)
        }
    }
}

/// Settings of the adaptive server optimisers.
public struct AdaptiveOptions: Hashable, Sendable {
    public var learningRate: Double
    /// Decay of the mean update, in `[0, 1)`.
    public var beta1: Double
    /// Decay of the mean squared update, in `[0, 1)`; FedAdagrad has none.
    public var beta2: Double
    /// Added to the denominator: the smaller, the more adaptive. Above 0.
    public var tau: Double

    public init(learningRate: Double = 0.01, beta1: Double = 0.9, beta2: Double = 0.99, tau: Double = 1e-3) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.tau = tau
    }
}
