internal import ModelFiles

/// Qwen2 and Qwen2.5 (Yang et al. 2024, arXiv:2407.10671): Llama with biases on queries, keys and values.
enum Qwen2: Architecture {
    static let modelType = "qwen2"
    static let defaultBeginToken: Int32? = nil
    static let defaultEndToken: Int32? = nil

    static func plan(_ reader: ConfigurationReader) throws(ModelError) -> any NetworkPlan {
        var settings = try TransformerSettings(
            reader, causalClass: "Qwen2ForCausalLM", defaultMaximumLength: 32_768, defaultKeyHeads: 32)
        settings.activation = try reader.activation(["hidden_act"], default: "silu")
        settings.hasQueryBias = true
        settings.windows = try reader.qwenWindows(layers: settings.layerCount)
        return settings
    }
}

extension ConfigurationReader {
    /// Sliding windows from layer `max_window_layers` up where `use_sliding_window` asks for them.
    func qwenWindows(layers: Int) throws(ModelError) -> [Int?] {
        guard try boolean("use_sliding_window", default: false) else { return Array(repeating: nil, count: layers) }
        let window = try window(default: 4096)
        let first = self["max_window_layers"] == .integer(0) ? 0 : try size("max_window_layers", default: 28)
        return try windows(window, layers: layers) { $0 >= first }
    }
}
