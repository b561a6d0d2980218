/// Adam on the mean update: `v = β₂v + (1−β₂)Δ²`.
///
/// - SeeAlso: Reddi et al. 2020, Algorithm 2 (arXiv:2003.00295).
public struct FedAdam: ServerOptimizer {
    private var moments: AdaptiveMoments

    public init(_ options: AdaptiveOptions = AdaptiveOptions(), parameterCount: Int) {
        moments = AdaptiveMoments(options, parameterCount: parameterCount)
    }

    public var state: ServerOptimizerState {
        get { moments.state }
        set { moments.state = newValue }
    }

    public mutating func step(global: inout [Float], delta: [Float]) {
        let beta2 = moments.options.beta2
        moments.step(global: &global, delta: delta) { second, square in beta2 * second + (1 - beta2) * square }
    }
}
