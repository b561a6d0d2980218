internal import ModelFiles
package import Tensor

/// The sizes and settings of a decoder whose half-layers each start with a norm and end in the residual stream.
///
/// The defaults are Llama's; an architecture's file says where it differs.
package struct TransformerSettings: Hashable, Sendable {
    package var hiddenSize: Int
    package var intermediateSize: Int
    package var layerCount: Int
    package var headCount: Int
    package var keyHeadCount: Int
    package var headSize: Int
    package var vocabularySize: Int
    package var maximumLength: Int
    package var normEpsilon: Float
    package var isHeadTied: Bool
    /// One a layer.
    package var rotary: [RotaryScaling]
    /// A layer's query sees this many positions up to its own; `nil`: all. One a layer.
    package var windows: [Int?]
    package var activation = ActivationFunction.silu
    /// The factor on each attention score.
    package var attentionScale: Double
    package var hasQueryBias = false
    package var hasOutputBias = false
    package var hasFeedForwardBias = false
    /// Norms multiply by 1 + weight.
    package var normOffset: Float = 0
    package var embeddingFactor: Float = 1
    /// Queries and keys are normalised head by head.
    package var hasHeadNorms = false
    /// Each half-layer's result is normalised before it joins the residual stream.
    package var hasOuterNorms = false
    /// One matrix for queries, keys and values, and one for gate and up.
    package var hasFusedProjections = false
    /// Layers that run this many times in a row with the same weights.
    package var layerRepetitions = 1

    /// Width of all query heads together.
    package var queryWidth: Int { headCount * headSize }
    /// Width of all key (or value) heads together.
    package var keyWidth: Int { keyHeadCount * headSize }
}

extension TransformerSettings {
    /// Reads what all these architectures have in common; refuses by name what would change the result and is not
    /// supported.
    ///
    /// - Parameters:
    ///   - causalClass: The class of the causal language model in `architectures`.
    ///   - headSize: Where `head_dim` is missing; `nil`: hidden size by heads.
    init(
        _ reader: ConfigurationReader, causalClass: String, defaultMaximumLength: Int = 2048,
        defaultHeadTied: Bool = false, defaultBase: Double = 10_000, defaultHeadSize: Int? = nil,
        defaultEpsilon: Double = 1e-6, defaultKeyHeads: Int? = nil, allowsPartialRotation: Bool = false
    ) throws(ModelError) {
        try reader.refuseCommonUnsupported(causalClass: causalClass)
        hiddenSize = try reader.size("hidden_size")
        intermediateSize = try reader.size("intermediate_size")
        layerCount = try reader.layers("num_hidden_layers")
        headCount = try reader.size("num_attention_heads")
        keyHeadCount = try reader.size("num_key_value_heads", default: defaultKeyHeads ?? headCount)
        vocabularySize = try reader.size("vocab_size")
        maximumLength = try reader.size("max_position_embeddings", default: defaultMaximumLength)
        normEpsilon = Float(try reader.positiveNumber("rms_norm_eps", default: defaultEpsilon))
        isHeadTied = try reader.boolean("tie_word_embeddings", default: defaultHeadTied)
        headSize = try reader.headSize(
            hiddenSize: hiddenSize, heads: headCount, keyHeads: keyHeadCount, default: defaultHeadSize)
        let scaling = try reader.rotaryScaling(
            defaultBase: defaultBase, allowsPart: allowsPartialRotation, maximumLength: maximumLength)
        rotary = Array(repeating: scaling, count: layerCount)
        windows = Array(repeating: nil, count: layerCount)
        attentionScale = 1 / Double(headSize).squareRoot()
        try reader.checkRotated(scaling, headSize: headSize)
        // Dynamic scaling stretches the positions as far as its factor says.
        if case .dynamic(let factor, let original) = scaling.kind {
            let stretched = min(Double(original) * factor, Double(ConfigurationReader.sizeMax))
            maximumLength = max(maximumLength, Int(stretched))
        }
    }
}

extension ConfigurationReader {
    func refuseCommonUnsupported(causalClass: String) throws(ModelError) {
        if let architectures = self["architectures"] {
            guard case .array(let names) = architectures else {
                throw invalid("architectures", "a list", architectures)
            }
            if let first = names.first, !names.contains(.string(causalClass)) {
                throw .unsupportedArchitecture(file: file, name: Self.text(first), supported: [causalClass])
            }
        }
        try requireZero("attention_dropout")
        _ = try quantisation()
        try require("rope_interleaved", in: [.boolean(false)], supported: "false")
    }

    func requireZero(_ key: String) throws(ModelError) {
        try require(key, in: [.integer(0), .number(0)], supported: "0")
    }

    func headSize(hiddenSize: Int, heads: Int, keyHeads: Int, default fallback: Int?) throws(ModelError) -> Int {
        guard heads % keyHeads == 0 else {
            throw .invalidValue(
                file: file, key: "num_key_value_heads", expected: "a divisor of num_attention_heads \(heads)",
                actual: "\(keyHeads)")
        }
        if self["head_dim"] == nil, fallback == nil, hiddenSize % heads != 0 {
            throw .invalidValue(
                file: file, key: "hidden_size",
                expected: "a multiple of num_attention_heads \(heads) where head_dim is missing",
                actual: "\(hiddenSize)")
        }
        let size = try self.size("head_dim", default: fallback ?? max(1, hiddenSize / heads))
        guard size % 2 == 0, size <= AttentionShape.headSizeMax else {
            throw .invalidValue(
                file: file, key: "head_dim", expected: "even and at most \(AttentionShape.headSizeMax)",
                actual: "\(size)")
        }
        return size
    }

    /// The turning part of a head is a whole even number of values.
    func checkRotated(_ scaling: RotaryScaling, headSize: Int) throws(ModelError) {
        // A factor beyond 1 may be one that no Int holds.
        let rotated = scaling.partialFactor <= 1 ? Int(Double(headSize) * scaling.partialFactor) : 0
        guard rotated >= 2, rotated % 2 == 0 else {
            throw .invalidValue(
                file: file, key: "partial_rotary_factor", expected: "a part of head_dim \(headSize) that is even",
                actual: "\(scaling.partialFactor)")
        }
    }

    /// An activation function by its name in transformers.
    func activation(_ keys: [String], default fallback: String) throws(ModelError) -> ActivationFunction {
        var found = (key: keys[0], name: fallback)
        for key in keys {
            if let name = try string(key) {
                found = (key, name)
                break
            }
        }
        switch found.name {
        case "silu", "swish": return .silu
        case "gelu": return .gelu
        case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": return .geluTanh
        case "relu": return .relu
        default:
            throw .unsupportedSetting(
                file: file, key: found.key, value: "\"\(found.name)\"",
                supported: "silu, gelu, gelu_new, gelu_pytorch_tanh, gelu_fast and relu")
        }
    }
}
