import LanguageModel
import ModelFiles
import Testing

@Suite("Binding adapters to layers")
struct AdapterBindingTests {
    static let layers = [
        LinearLayer(name: "model.layers.0.self_attn.q_proj", inputs: 6, outputs: 4),
        LinearLayer(name: "model.layers.0.mlp.up_proj", inputs: 6, outputs: 8),
    ]
    static let a = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
    static let b = "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight"

    func bind(_ tensors: [(name: String, shape: [Int])]) throws -> LowRankAdapter {
        let layout = AdapterLayout(tensors)
        return try LowRankAdapter(
            binding: layout, values: [Float](repeating: 0, count: layout.parameterCount), scale: 2, to: Self.layers)
    }

    @Test("Each layer's factors are found, with ranks of their own")
    func offsets() throws {
        let up = "base_model.model.model.layers.0.mlp.up_proj."
        let adapter = try bind([
            (Self.a, [3, 6]), (Self.b, [4, 3]), (up + "lora_A.weight", [2, 6]), (up + "lora_B.weight", [8, 2]),
        ])
        #expect(
            Set(adapter.targets) == [
                .init(layer: "model.layers.0.mlp.up_proj", rank: 2, scale: 2, offsetA: 0, offsetB: 12),
                .init(layer: "model.layers.0.self_attn.q_proj", rank: 3, scale: 2, offsetA: 28, offsetB: 46),
            ])
    }

    @Test("What does not fit is refused")
    func refused() {
        #expect(throws: AdapterBindingError.unknownTensor(tensor: "x")) { try bind([("x", [1])]) }
        let other = "base_model.model.lm_head.lora_A.weight"
        #expect(throws: AdapterBindingError.noSuchLayer(tensor: other, layer: "lm_head", known: Self.layers[0].name)) {
            try bind([(other, [1, 6])])
        }
        #expect(throws: AdapterBindingError.missingFactor(layer: Self.layers[0].name, tensor: Self.b)) {
            try bind([(Self.a, [1, 6])])
        }
        #expect(throws: AdapterBindingError.shapeMismatch(tensor: Self.a, expected: "[rank, 6]", actual: [3, 5])) {
            try bind([(Self.a, [3, 5]), (Self.b, [4, 3])])
        }
        #expect(throws: AdapterBindingError.shapeMismatch(tensor: Self.b, expected: "[4, 3]", actual: [4, 2])) {
            try bind([(Self.a, [3, 6]), (Self.b, [4, 2])])
        }
    }
}
