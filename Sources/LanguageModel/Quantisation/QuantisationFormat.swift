internal import ModelFiles
internal import Tensor

/// How the weights of a model's linear layers are stored in fewer bits.
///
/// Embeddings, norms, biases and the output head stay bfloat16. An embedding is looked up a row at a time and, tied or
/// not, the head decides between all words at once: both lose most by coarse values. Norms and biases are too small to
/// matter.
public enum QuantisationFormat: String, Sendable, CaseIterable {
    /// Eight bits a value, one scale an output channel.
    case int8
    /// 4-bit NormalFloat in blocks of 64 with doubly quantised absolute maxima (QLoRA, arXiv:2305.14314): 4.13 bits a
    /// value.
    case nf4

    static let method = "shoal"

    private var bits: Int { self == .int8 ? 8 : 4 }

    /// `quantization_config` as `config.json` holds it.
    var configuration: JSONValue {
        var members: [String: JSONValue] = [
            "quant_method": .string(Self.method), "format": .string(rawValue), "bits": .integer(bits),
        ]
        if self == .nf4 {
            members["block_size"] = .integer(NF4Shape.blockValues)
            members["scale_block_size"] = .integer(NF4Shape.scaleBlocks)
        }
        return .object(members)
    }

    /// What belongs to a quantised weight in the checkpoint, beside the codes under the weight's own name.
    enum Part {
        static let int8Scales = ".scales"
        static let nf4Absmax = ".absmax"
        static let nf4Scales = ".absmax.scales"
        static let nf4Offset = ".absmax.offset"
    }
}

extension ConfigurationReader {
    /// What `quantization_config` says; `nil` where there is none.
    func quantisation() throws(ModelError) -> QuantisationFormat? {
        let key = "quantization_config"
        guard let value = self[key] else { return nil }
        guard case .object(let members) = value else { throw invalid(key, "an object", value) }
        let inner = ConfigurationReader(file: file, members: members)
        let method = try inner.string("quant_method") ?? "unknown"
        guard method == QuantisationFormat.method, let name = try inner.string("format"),
            let format = QuantisationFormat(rawValue: name), format.configuration == value
        else {
            throw .unsupportedSetting(
                file: file, key: key, value: "a \(method) checkpoint",
                supported: "a checkpoint that shoal quantize made, or none")
        }
        return format
    }
}
