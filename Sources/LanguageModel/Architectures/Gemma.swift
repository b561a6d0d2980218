internal import ModelFiles
internal import Tensor

/// Gemma (Gemma Team 2024, arXiv:2403.08295): norms that multiply by 1 + weight, GELU gates, scaled embeddings.
enum Gemma: Architecture {
    static let modelType = "gemma"
    static let defaultBeginToken: Int32? = 2
    static let defaultEndToken: Int32? = 1

    static func plan(_ reader: ConfigurationReader) throws(ModelError) -> any NetworkPlan {
        var settings = try TransformerSettings(
            reader, causalClass: "GemmaForCausalLM", defaultMaximumLength: 8192, defaultHeadTied: true,
            defaultHeadSize: 256, defaultKeyHeads: 16)
        try reader.require("use_bidirectional_attention", in: [.boolean(false)], supported: "null")
        // Early files say "gelu" in hidden_act and mean the approximation, as transformers does.
        settings.activation =
            reader["hidden_activation"] == nil
            ? .geluTanh : try reader.activation(["hidden_activation"], default: "gelu_pytorch_tanh")
        settings.normOffset = 1
        settings.embeddingFactor = Float(settings.hiddenSize).squareRoot()
        settings.hasQueryBias = try reader.boolean("attention_bias", default: false)
        settings.hasOutputBias = settings.hasQueryBias
        return settings
    }
}
