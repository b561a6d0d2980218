/// Qwen3 (Yang et al. 2025, arXiv:2505.09388): Llama with normalised queries and keys.
enum Qwen3: Architecture {
    static let modelType = "qwen3"
    static let defaultBeginToken: Int32? = nil
    static let defaultEndToken: Int32? = nil

    static func plan(_ reader: ConfigurationReader) throws(ModelError) -> any NetworkPlan {
        var settings = try TransformerSettings(
            reader, causalClass: "Qwen3ForCausalLM", defaultMaximumLength: 32_768, defaultHeadSize: 128,
            defaultKeyHeads: 32)
        settings.activation = try reader.activation(["hidden_act"], default: "silu")
        settings.hasHeadNorms = true
        settings.hasQueryBias = try reader.boolean("attention_bias", default: false)
        settings.hasOutputBias = settings.hasQueryBias
        settings.windows = try reader.qwenWindows(layers: settings.layerCount)
        return settings
    }
}
