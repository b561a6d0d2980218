import ModelFiles

/// What llama.cpp calls the tensors of a base model, and how it keeps them: read from the model's `config.json`.
///
/// - SeeAlso: `gguf/tensor_mapping.py` and `conversion/` in llama.cpp.
public struct LlamaCppNames: Sendable {
    /// `general.architecture`
    public let architecture: String
    private let modelType: String
    private let layerCount: Int
    /// Rows of query and key projections stand in another order than in the checkpoint: rotary pairs side by side.
    private let interleaves: (query: Int, key: Int)?

    /// - Parameter path: A `config.json` of a model that Shoal runs.
    public init(configuration path: String) throws {
        let document: JSONValue
        do { document = try JSONValue(parsing: MappedFile(path: path).copy()) } catch let error as JSONError {
            throw GGUFExportError.badConfiguration(file: path, reason: error.description)
        }
        guard case .object(let members) = document, case .string(let type)? = members["model_type"] else {
            throw GGUFExportError.badConfiguration(file: path, reason: "it has no model_type")
        }
        func count(_ key: String, default fallback: Int? = nil) throws -> Int {
            if case .integer(let value)? = members[key], value > 0 { return value }
            guard members[key] == nil || members[key] == .null, let fallback else {
                throw GGUFExportError.badConfiguration(file: path, reason: "\(key) is no count")
            }
            return fallback
        }
        guard let architecture = Self.architectures[type] else {
            throw GGUFExportError.unknownArchitecture(type, known: Self.architectures.keys.sorted())
        }
        self.architecture = architecture
        modelType = type
        layerCount = try type == "gpt2" ? count("n_layer", default: 12) : count("num_hidden_layers", default: 32)
        guard architecture == "llama" else {
            interleaves = nil
            return
        }
        let heads = try count("num_attention_heads", default: 32)
        let keyHeads = try count("num_key_value_heads", default: type == "mistral" ? 8 : heads)
        interleaves = (heads, keyHeads)
    }

    /// `model_type` to `general.architecture`.
    private static let architectures = [
        "llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "gemma": "gemma",
        "gemma3_text": "gemma3", "phi": "phi2", "phi3": "phi3", "gpt2": "gpt2",
    ]

    /// Last components of a layer's modules.
    private static let modules: [String: [String: String]] = {
        let llama = [
            "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
            "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
            "mlp.down_proj": "ffn_down",
        ]
        return [
            "llama": llama, "mistral": llama, "qwen2": llama, "qwen3": llama, "gemma": llama, "gemma3_text": llama,
            "phi": [
                "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
                "self_attn.dense": "attn_output", "mlp.fc1": "ffn_up", "mlp.fc2": "ffn_down",
            ],
            "phi3": [
                "self_attn.qkv_proj": "attn_qkv", "self_attn.o_proj": "attn_output", "mlp.gate_up_proj": "ffn_up",
                "mlp.down_proj": "ffn_down",
            ],
            "gpt2": [
                "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
            ],
        ]
    }()

    /// The name of a layer's weight, for example `blk.0.attn_q.weight`.
    ///
    /// - Parameter layer: Module path in the checkpoint.
    func weight(of layer: String) throws(GGUFExportError) -> String {
        if layer == "lm_head" {
            // llama.cpp takes Gemma's embedding for its head, whatever the checkpoint has.
            guard architecture != "gemma", architecture != "gemma3" else { throw .unknownLayer(layer, modelType) }
            return "output.weight"
        }
        var path = layer.split(separator: ".", omittingEmptySubsequences: false)[...]
        for part in modelType == "gpt2" ? ["transformer", "h"] : ["model", "layers"] {
            // GPT-2's published checkpoints leave the first part out.
            if path.first.map(String.init) == part { path = path.dropFirst() }
        }
        guard path.count > 1, let number = path.first.flatMap({ Int($0) }), number >= 0,
            let name = Self.modules[modelType]?[path.dropFirst().joined(separator: ".")]
        else { throw .unknownLayer(layer, modelType) }
        guard number < layerCount else { throw .otherModel(layer: layer, layers: layerCount) }
        return "blk.\(number).\(name).weight"
    }

    /// Where llama.cpp keeps each row of a layer's weight: entry i is the checkpoint's row that becomes row i.
    ///
    /// - Returns: `nil` where rows stay.
    func rows(of layer: String, outputs: Int) throws(GGUFExportError) -> [Int]? {
        guard let interleaves else { return nil }
        let heads: Int
        switch layer.split(separator: ".").last {
        case "q_proj": heads = interleaves.query
        case "k_proj": heads = interleaves.key
        default: return nil
        }
        guard outputs.isMultiple(of: 2 * heads) else { throw .otherHeads(layer: layer, outputs: outputs, heads: heads) }
        let half = outputs / heads / 2
        return (0..<outputs).map { row in
            let (head, place) = (row / (2 * half), row % (2 * half))
            return head * 2 * half + place % 2 * half + place / 2
        }
    }
}
