public import ModelFiles

/// A LoRA adapter as llama.cpp reads it beside a GGUF base model (`--lora FILE`).
///
/// llama.cpp multiplies each layer's `B · A` by α over the layer's own rank, with one α for the whole file. Where the
/// layers of a PEFT adapter are scaled otherwise (rank-stabilised LoRA, rank and α patterns), the file's α is what most of
/// them need, and the others' B carry the rest of the factor.
public struct GGUFAdapter: Sendable {
    public let file: GGUFFile
    /// `adapter.lora.alpha`
    public let alpha: Float
    /// Layers whose B took a factor that the file's α has not; their values are rounded once more.
    public let rescaledLayers: [String]

    /// - Parameters:
    ///   - values: `[layout.parameterCount]`, float32.
    ///   - names: Of the base model.
    ///   - notes: More metadata, after what the format asks for.
    public init(
        _ values: [Float], layout: AdapterLayout, configuration: AdapterConfiguration, names: LlamaCppNames,
        notes: [(key: String, value: GGUFFile.Value)] = []
    ) throws {
        guard !configuration.isWeightDecomposed else { throw GGUFExportError.magnitudes }
        let factors = try AdapterFactors(layout, configuration)
        if let saved = layout.entries.compactMap({ SavedTensorName($0.name) }).first {
            throw GGUFExportError.wholeModule(saved.module)
        }
        // α such that α / rank is each layer's scale.
        let alphas = factors.layers.map { Float($0.scale * Double($0.rank)) }
        alpha = Self.mostFrequent(alphas)
        var tensors: [GGUFFile.Tensor] = []
        var rescaled: [String] = []
        for (layer, own) in zip(factors.layers, alphas) {
            let name = try names.weight(of: layer.name)
            var b = Array(values[layer.b])
            if let rows = try names.rows(of: layer.name, outputs: layer.outputs) {
                b = rows.flatMap { b[$0 * layer.rank..<($0 + 1) * layer.rank] }
            }
            if own != alpha {
                let factor = Double(own) / Double(alpha)
                b = b.map { Float(Double($0) * factor) }
                rescaled.append(layer.name)
            }
            tensors.append(
                .init(name: name + ".lora_a", shape: [layer.rank, layer.inputs], values: Array(values[layer.a])))
            tensors.append(.init(name: name + ".lora_b", shape: [layer.outputs, layer.rank], values: b))
        }
        rescaledLayers = rescaled
        file = GGUFFile(
            metadata: [
                ("general.architecture", .string(names.architecture)), ("general.type", .string("adapter")),
                ("adapter.type", .string("lora")), ("adapter.lora.alpha", .float32(alpha)),
                ("general.file_type", .uint32(0)),  // All float32.
                ("general.quantization_version", .uint32(2)),
            ] + notes, tensors: tensors)
    }

    /// The larger of two that are equally frequent. Never 0, by which llama.cpp understands that nothing is to be scaled.
    private static func mostFrequent(_ values: [Float]) -> Float {
        var counts: [Float: Int] = [:]
        for value in values where value != 0 { counts[value, default: 0] += 1 }
        return counts.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? 1
    }
}

/// What keeps an adapter from becoming a GGUF file.
public enum GGUFExportError: Error, Hashable, Sendable, CustomStringConvertible {
    case badConfiguration(file: String, reason: String)
    case unknownArchitecture(String, known: [String])
    case magnitudes
    case wholeModule(String)
    case unknownLayer(String, String)
    case otherModel(layer: String, layers: Int)
    case otherHeads(layer: String, outputs: Int, heads: Int)

    public var description: String {
        switch self {
        case .badConfiguration(let file, let reason): "\(file): \(reason)"
        case .unknownArchitecture(let type, let known):
            "llama.cpp has no adapters for model_type \(type) (it has them for \(known.joined(separator: ", "))); export a "
                + "PEFT directory instead (without --format), or merged weights (--merge)"
        case .magnitudes:
            "GGUF has no place for magnitudes (DoRA): merge the adapter in PEFT (merge_and_unload) and convert the merged "
                + "model with llama.cpp's convert_hf_to_gguf.py"
        case .wholeModule(let module):
            "GGUF adapters hold low-rank factors alone, and this one also trained \(module) whole; export merged weights "
                + "(--merge) and convert those with llama.cpp's convert_hf_to_gguf.py"
        case .unknownLayer(let layer, let type):
            "llama.cpp has no place for an adapter on \(layer) of a \(type) model; export merged weights (--merge) and "
                + "convert those with its convert_hf_to_gguf.py"
        case .otherModel(let layer, let layers):
            "the adapter has \(layer), and the base model \(layers) layers: it belongs to another model; name the right one "
                + "with --model"
        case .otherHeads(let layer, let outputs, let heads):
            "\(layer) has \(outputs) outputs, which are no pairs of \(heads) heads: the adapter belongs to another base "
                + "model; name the right one with --model"
        }
    }
}
