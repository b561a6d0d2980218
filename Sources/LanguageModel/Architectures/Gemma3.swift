internal import ModelFiles

/// Gemma 3, text only (Gemma Team 2025, arXiv:2503.19786): Gemma with normalised queries and keys, norms around each
/// half-layer, and five layers of local attention to one of global attention, each kind with its own rotary base.
enum Gemma3: Architecture {
    static let modelType = "gemma3_text"
    static let defaultBeginToken: Int32? = 2
    static let defaultEndToken: Int32? = 1

    static func plan(_ reader: ConfigurationReader) throws(ModelError) -> any NetworkPlan {
        let hasKinds = reader.isRotaryByKind
        let common = hasKinds ? reader.without("rope_parameters") : reader
        var settings = try TransformerSettings(
            common, causalClass: "Gemma3ForCausalLM", defaultMaximumLength: 131_072, defaultHeadTied: true,
            defaultBase: 1_000_000, defaultHeadSize: 256, defaultKeyHeads: 4)
        for key in ["attn_logit_softcapping", "final_logit_softcapping"] {
            try reader.require(key, in: [], supported: "null")
        }
        try reader.require("use_bidirectional_attention", in: [.boolean(false)], supported: "false")
        settings.activation = try reader.activation(["hidden_activation"], default: "gelu_pytorch_tanh")
        settings.normOffset = 1
        settings.embeddingFactor = Float(settings.hiddenSize).squareRoot()
        settings.hasHeadNorms = true
        settings.hasOuterNorms = true
        settings.hasQueryBias = try reader.boolean("attention_bias", default: false)
        settings.hasOutputBias = settings.hasQueryBias
        settings.attentionScale = 1 / (try reader.positiveNumber("query_pre_attn_scalar", default: 256)).squareRoot()
        let pattern = try reader.size("sliding_window_pattern", default: 6)
        settings.windows = try reader.windows(reader.window(default: 4096), layers: settings.layerCount) {
            ($0 + 1) % pattern != 0
        }
        let length = settings.maximumLength
        var local = RotaryScaling(
            base: try reader.positiveNumber("rope_local_base_freq", default: 10_000), partialFactor: 1, kind: .standard)
        var global = settings.rotary[0]
        if hasKinds {
            local = try reader.rotaryScaling(kind: "sliding_attention", maximumLength: length)
            global = try reader.rotaryScaling(
                defaultBase: 1_000_000, kind: "full_attention", maximumLength: length)
        }
        settings.rotary = settings.windows.map { $0 == nil ? global : local }
        return settings
    }
}

extension ConfigurationReader {
    /// Whether `rope_parameters` holds one object for each kind of layer.
    fileprivate var isRotaryByKind: Bool {
        guard case .object(let members)? = self["rope_parameters"] else { return false }
        return members["full_attention"] != nil
    }

    fileprivate func without(_ key: String) -> ConfigurationReader {
        ConfigurationReader(file: file, members: members.filter { $0.key != key })
    }
}
