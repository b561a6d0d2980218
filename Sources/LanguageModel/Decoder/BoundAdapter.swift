import Randomness

/// The two factors of one linear layer, where they lie during one call.
struct LowRankFactors {
    let rank: Int
    let scale: Float
    /// `[rank, in]`
    let a: UnsafePointer<Float>
    /// `[out, rank]`
    let b: UnsafePointer<Float>
    /// Where their gradients are added up; `nil` outside training.
    let gradientA: UnsafeMutablePointer<Float>?
    let gradientB: UnsafeMutablePointer<Float>?
}

/// An adapter as a decoder sees it during one call: factors by linear layer. Valid only while the vectors it was made
/// from stay at their addresses.
struct BoundAdapter {
    /// By position in the decoder's list of linear layers, the head last.
    let factors: [LowRankFactors?]
    let dropout: Dropout?

    /// The masks of one call: those of a layer depend on the key and the layer's position alone.
    struct Dropout {
        let probability: Float
        let key: UInt64
    }

    init(
        _ adapter: LowRankAdapter, values: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>?,
        dropout: CounterRandom?, positions: [String: Int], count: Int
    ) {
        var factors = [LowRankFactors?](repeating: nil, count: count)
        for target in adapter.targets {
            guard let position = positions[target.layer] else {
                preconditionFailure("adapter target \(target.layer) is no layer of this model")
            }
            factors[position] = LowRankFactors(
                rank: target.rank, scale: target.scale, a: values + target.offsetA, b: values + target.offsetB,
                gradientA: gradient.map { $0 + target.offsetA }, gradientB: gradient.map { $0 + target.offsetB })
        }
        self.factors = factors
        if var generator = dropout, adapter.dropout > 0 {
            self.dropout = Dropout(probability: adapter.dropout, key: generator.next())
        } else {
            self.dropout = nil
        }
    }
}
