internal import ModelFiles

/// Llama (Touvron et al. 2023, arXiv:2302.13971): RMSNorm before each half-layer, rotary positions, grouped-query
/// attention, SwiGLU, tied or untied head. Settings as `transformers`' `LlamaConfig` names them.
enum Llama: Architecture {
    static let modelType = "llama"
    static let defaultBeginToken: Int32? = 1
    static let defaultEndToken: Int32? = 2

    static func plan(_ reader: ConfigurationReader) throws(ModelError) -> any NetworkPlan {
        // Else the layers would run once each, and the result be another.
        try reader.require("layer_sharing", in: [.boolean(false)], supported: "false with model_type llama")
        return try settings(reader, causalClass: "LlamaForCausalLM")
    }

    /// - Parameter causalClass: The class of the causal language model in `architectures`.
    static func settings(
        _ reader: ConfigurationReader, causalClass: String
    ) throws(ModelError) -> TransformerSettings {
        var settings = try TransformerSettings(reader, causalClass: causalClass)
        try reader.require("sliding_window", in: [], supported: "null")
        settings.activation = try reader.activation(["hidden_act"], default: "silu")
        settings.hasQueryBias = try reader.boolean("attention_bias", default: false)
        settings.hasOutputBias = settings.hasQueryBias
        settings.hasFeedForwardBias = try reader.boolean("mlp_bias", default: false)
        return settings
    }
}
