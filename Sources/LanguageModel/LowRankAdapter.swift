public import ModelFiles

/// A low-rank update bound to linear layers of a model: `y = W x + scale · B (A x)` (Hu et al. 2021, arXiv:2106.09685).
///
/// With magnitudes `m` it is DoRA (arXiv:2402.09353): the rows of `W + scale · B A` are rescaled to the norms `m`.
/// Modules that train whole are part of it too. All of it lives in one flat vector ordered by `layout`; a target says
/// where its own factors start.
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
        /// Where DoRA's magnitudes, `[out]`, start in `values`; `nil` for plain LoRA.
        public let magnitudeOffset: Int?

        public init(
            layer: String, rank: Int, scale: Float, offsetA: Int, offsetB: Int, magnitudeOffset: Int? = nil
        ) {
            self.layer = layer
            self.rank = rank
            self.scale = scale
            self.offsetA = offsetA
            self.offsetB = offsetB
            self.magnitudeOffset = magnitudeOffset
        }
    }

    /// A tensor that trains in place of the checkpoint's.
    public struct SavedTensor: Hashable, Sendable {
        /// Path in the checkpoint, for example `classifier.weight`.
        public let name: String
        /// `[out, in]` of a weight, `[out]` of a bias.
        public let shape: [Int]
        /// Where it starts in `values`, row-major.
        public let offset: Int

        public init(name: String, shape: [Int], offset: Int) {
            self.name = name
            self.shape = shape
            self.offset = offset
        }
    }

    public let layout: AdapterLayout
    public let targets: [Target]
    /// Tensors of modules that train whole, a classification head's for example.
    public let saved: [SavedTensor]
    /// Probability that an input value of A is dropped in training; 0 in evaluation.
    public let dropout: Float
    /// `[layout.parameterCount]`, float32.
    public var values: [Float]
    /// What is added to the base for good, and never trained; `nil`: nothing.
    public var frozen: FrozenProducts?

    /// Low-rank products of scale 1 on some of the adapter's layers.
    public struct FrozenProducts: Sendable {
        /// By layer.
        let layers: [String: AdapterFactors.Layer]
        let values: [Float]

        /// - Parameter residual: Its layers are among the adapter's, without magnitudes.
        public init(_ residual: AdapterResidual) {
            layers = Dictionary(residual.factors.layers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
            values = residual.values
        }
    }

    public init(
        layout: AdapterLayout, targets: [Target], saved: [SavedTensor] = [], dropout: Float, values: [Float]
    ) {
        precondition(values.count == layout.parameterCount, "\(values.count) values for \(layout.parameterCount)")
        self.layout = layout
        self.targets = targets
        self.saved = saved
        self.dropout = dropout
        self.values = values
    }
}
