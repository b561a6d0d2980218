/// Adagrad on the mean update: `v += Δ²`; β₂ is not used.
///
/// - SeeAlso: Reddi et al. 2020, Algorithm 2 (arXiv:2003.00295).
public struct FedAdagrad: ServerOptimizer {
    private var moments: AdaptiveMoments

    public init(_ options: AdaptiveOptions = AdaptiveOptions(), parameterCount: Int) {
        moments = AdaptiveMoments(options, parameterCount: parameterCount)
    }

    public var state: ServerOptimizerState {
        get { moments.state }
        set { moments.state = newValue }
    }

    public mutating func step(global: inout [Float], delta: [Float]) {
        moments.step(global: &global, delta: delta) { second, square in second + square }
    }
}
