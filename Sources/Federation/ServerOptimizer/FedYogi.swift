/// Yogi on the mean update: `v −= (1−β₂)Δ²·sign(v−Δ²)`, which forgets large updates more slowly than FedAdam.
///
/// - SeeAlso: Reddi et al. 2020, Algorithm 2 (arXiv:2003.00295).
public struct FedYogi: ServerOptimizer {
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
        moments.step(global: &global, delta: delta) { second, square in
            let change = (1 - beta2) * square
            if second > square { return second - change }
            return second < square ? second + change : second
        }
    }
}
