public import ModelFiles

/// A low-rank update bound to linear layers of a model: `y = W x + scale · B (A x)` (Hu et al. 2021, arXiv:2106.09685).
///
/// All factors live in one flat vector ordered by `layout`; a target says where its own two factors start.
public struct LowRankAdapter: Sendable {
    public struct Target: Hashable, Sendable {
        /// Module path in the checkpoint, for example `model.layers.0.self_attn.q_proj`.
        public let layer: String
        public let rank: Int
        /// α/r, or α/√r for rank-stabilised LoRA.
        public let scale: Float
        /// Where A, `[rank, in]` row-major, starts in `values`.
        public let offsetA: Int
        /// Where B, `[out, rank]` row-major, starts in `values`.
        public let offsetB: Int

        public init(layer: String, rank: Int, scale: Float, offsetA: Int, offsetB: Int) {
            self.layer = layer
            self.rank = rank
            self.scale = scale
            self.offsetA = offsetA
            self.offsetB = offsetB
        }
    }

    public let layout: AdapterLayout
    public let targets: [Target]
    /// Probability that an input value of A is dropped in training; 0 in evaluation.
    public let dropout: Float
    /// `[layout.parameterCount]`, float32.
    public var values: [Float]

    public init(layout: AdapterLayout, targets: [Target], dropout: Float, values: [Float]) {
        precondition(values.count == layout.parameterCount, "\(values.count) values for \(layout.parameterCount)")
        self.layout = layout
        self.targets = targets
        self.dropout = dropout
        self.values = values
    }
}
