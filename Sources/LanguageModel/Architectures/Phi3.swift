/// Phi-3 (Abdin et al. 2024, arXiv:2404.14219): Llama whose queries, keys and values share one matrix, as gate and up do.
enum Phi3: Architecture {
    static let modelType = "phi3"
    static let defaultBeginToken: Int32? = 1
    static let defaultEndToken: Int32? = 32_000

    static func plan(_ reader: ConfigurationReader) throws(ModelError) -> any NetworkPlan {
        var settings = try TransformerSettings(
            reader, causalClass: "Phi3ForCausalLM", defaultMaximumLength: 4096, defaultEpsilon: 1e-5,
            allowsPartialRotation: true)
        for key in ["resid_pdrop", "embd_pdrop"] { try reader.requireZero(key) }
        settings.activation = try reader.activation(["hidden_act"], default: "silu")
        settings.hasFusedProjections = true
        settings.windows = Array(repeating: try reader.window(default: nil), count: settings.layerCount)
        return settings
    }
}
