internal import CKernels
internal import ModelFiles

/// Llama (Touvron et al. 2023, arXiv:2302.13971): RMSNorm before each half-layer, rotary positions, grouped-query
/// attention, SwiGLU, tied or untied head. Settings as `transformers`' `LlamaConfig` names them.
enum Llama: Architecture {
    static let modelType = "llama"
    static let defaultBeginToken: Int32? = 1
    static let defaultEndToken: Int32? = 2

    static func configuration(_ reader: ConfigurationReader) throws(ModelError) -> DecoderConfiguration {
        try refuseUnsupported(reader)
        let hiddenSize = try reader.size("hidden_size")
        let heads = try reader.size("num_attention_heads")
        let keyHeads = try reader.size("num_key_value_heads", default: heads)
        guard heads % keyHeads == 0 else {
            throw .invalidValue(
                file: reader.file, key: "num_key_value_heads", expected: "a divisor of num_attention_heads \(heads)",
                actual: "\(keyHeads)")
        }
        if reader["head_dim"] == nil, hiddenSize % heads != 0 {
            throw .invalidValue(
                file: reader.file, key: "hidden_size",
                expected: "a multiple of num_attention_heads \(heads) where head_dim is missing",
                actual: "\(hiddenSize)")
        }
        let headSize = try reader.size("head_dim", default: hiddenSize / heads)
        guard headSize % 2 == 0, headSize <= SHOAL_ATTENTION_MAX_HEAD_SIZE else {
            throw .invalidValue(
                file: reader.file, key: "head_dim", expected: "even and at most \(SHOAL_ATTENTION_MAX_HEAD_SIZE)",
                actual: "\(headSize)")
        }
        return DecoderConfiguration(
            hiddenSize: hiddenSize,
            intermediateSize: try reader.size("intermediate_size"),
            layerCount: try reader.size("num_hidden_layers"),
            headCount: heads,
            keyHeadCount: keyHeads,
            headSize: headSize,
            vocabularySize: try reader.size("vocab_size"),
            maximumLength: try reader.size("max_position_embeddings", default: 2048),
            normEpsilon: Float(try reader.positiveNumber("rms_norm_eps", default: 1e-6)),
            rotaryBase: try rotaryBase(reader),
            isHeadTied: try reader.boolean("tie_word_embeddings", default: false),
            hasAttentionBias: try reader.boolean("attention_bias", default: false),
            hasFeedForwardBias: try reader.boolean("mlp_bias", default: false))
    }

    private static func refuseUnsupported(_ reader: ConfigurationReader) throws(ModelError) {
        if let architectures = reader["architectures"] {
            let causal = JSONValue.string("LlamaForCausalLM")
            guard case .array(let names) = architectures else {
                throw reader.invalid("architectures", "a list", architectures)
            }
            if let first = names.first, !names.contains(causal) {
                throw .unsupportedArchitecture(
                    file: reader.file, name: ConfigurationReader.text(first), supported: ["LlamaForCausalLM"])
            }
        }
        try reader.require("hidden_act", in: [.string("silu"), .string("swish")], supported: "silu")
        let zero = [JSONValue.integer(0), .number(0)]
        try reader.require("attention_dropout", in: zero, supported: "0")
        try reader.require("partial_rotary_factor", in: [.integer(1), .number(1)], supported: "1")
        try reader.require("rope_interleaved", in: [.boolean(false)], supported: "false")
        try reader.require("sliding_window", in: [], supported: "null")
        try reader.require("quantization_config", in: [], supported: "an unquantised checkpoint")
    }

    /// The base of the rotary angles: at the top level, or in `rope_parameters` since transformers 5.
    private static func rotaryBase(_ reader: ConfigurationReader) throws(ModelError) -> Double {
        var base = try reader.positiveNumber("rope_theta", default: 10_000)
        for key in ["rope_scaling", "rope_parameters"] {
            guard let value = reader[key] else { continue }
            guard case .object(let members) = value else { throw reader.invalid(key, "an object or null", value) }
            for (name, member) in members where member != .null {
                let path = "\(key).\(name)"
                switch name {
                case "rope_type", "type":
                    guard member == .string("default") else {
                        throw .unsupportedSetting(
                            file: reader.file, key: path, value: ConfigurationReader.text(member), supported: "default")
                    }
                case "rope_theta":
                    base = try reader.positiveNumber(member, key: path) ?? base
                case "partial_rotary_factor" where member == .integer(1) || member == .number(1):
                    break
                default:
                    throw .unsupportedSetting(
                        file: reader.file, key: path, value: ConfigurationReader.text(member),
                        supported: "rope_theta with rope_type default")
                }
            }
        }
        return base
    }
}
