/// MobileLLM (Liu et al. 2024, arXiv:2402.14905): a deep, thin Llama whose head may be the embedding and whose layers may
/// each run twice in a row (the `layer-share` checkpoints). Settings as the checkpoints' own `MobileLLMConfig` names them.
///
/// A shared layer has one set of weights and so one adapter, whose gradient is the sum over both runs.
enum MobileLLM: Architecture {
    static let modelType = "mobilellm"
    static let defaultBeginToken: Int32? = 1
    static let defaultEndToken: Int32? = 2

    static func plan(_ reader: ConfigurationReader) throws(ModelError) -> any NetworkPlan {
        var settings = try Llama.settings(reader, causalClass: "MobileLLMForCausalLM")
        // The checkpoints say tie_word_embeddings false beside share_embedding true, and have no head of their own.
        if try reader.boolean("share_embedding", default: false) { settings.isHeadTied = true }
        if try reader.boolean("layer_sharing", default: false) { settings.layerRepetitions = 2 }
        return settings
    }
}
