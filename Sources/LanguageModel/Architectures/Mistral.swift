internal import ModelFiles

/// Mistral (Jiang et al. 2023, arXiv:2310.06825): Llama with attention over a sliding window.
enum Mistral: Architecture {
    static let modelType = "mistral"
    static let defaultBeginToken: Int32? = 1
    static let defaultEndToken: Int32? = 2

    static func plan(_ reader: ConfigurationReader) throws(ModelError) -> any NetworkPlan {
        var settings = try TransformerSettings(
            reader, causalClass: "MistralForCausalLM", defaultMaximumLength: 131_072, defaultKeyHeads: 8)
        settings.activation = try reader.activation(["hidden_act"], default: "silu")
        settings.windows = Array(repeating: try reader.window(default: 4096), count: settings.layerCount)
        return settings
    }
}

extension ConfigurationReader {
    /// `sliding_window`; null means none.
    func window(default fallback: Int?) throws(ModelError) -> Int? {
        if members["sliding_window"] == .null { return nil }
        if self["sliding_window"] == nil { return fallback }
        return try size("sliding_window")
    }

    /// Windows of the layers that `layer_types` calls `sliding_attention`; `isSliding` where it is missing.
    func windows(_ window: Int?, layers: Int, isSliding: (Int) -> Bool) throws(ModelError) -> [Int?] {
        guard let value = self["layer_types"] else { return (0..<layers).map { isSliding($0) ? window : nil } }
        guard case .array(let kinds) = value, kinds.count == layers else {
            throw invalid("layer_types", "a list of \(layers) names", value)
        }
        var windows: [Int?] = []
        for kind in kinds {
            switch kind {
            case .string("sliding_attention"): windows.append(window)
            case .string("full_attention"): windows.append(nil)
            default:
                throw .unsupportedSetting(
                    file: file, key: "layer_types", value: Self.text(kind),
                    supported: "full_attention and sliding_attention")
            }
        }
        return windows
    }
}
