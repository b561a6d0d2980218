import FineTuning
import Foundation
import Recipe
import Testing

/// The estimate against peaks of anonymous memory that whole training processes reached (RssAnon, two steps, one thread,
/// adapters of rank 8 on every linear layer).
@Suite("Memory of training, estimated")
struct TrainingMemoryTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let shape: Shape
        let batch: Int
        let sequence: Int
        let measuredMiB: Double
    }

    /// A decoder's sizes, as its `config.json` has them.
    struct Shape: Sendable {
        let hidden: Int
        let layers: Int
        let keyWidth: Int
        let inner: Int
        let vocabulary: Int
        /// Of rank 8 on every linear layer.
        var adapterValues: Int { 8 * layers * (4 * hidden + 2 * (hidden + keyWidth) + 3 * (hidden + inner)) }

        static let tiny = Shape(hidden: 128, layers: 4, keyWidth: 64, inner: 384, vocabulary: 2048)
        static let smol = Shape(hidden: 576, layers: 30, keyWidth: 192, inner: 1536, vocabulary: 49_152)
    }

    @Test(arguments: [
        Case(testDescription: "a tiny model, 2048 tokens", shape: .tiny, batch: 8, sequence: 256, measuredMiB: 119),
        Case(testDescription: "64 tokens", shape: .smol, batch: 1, sequence: 64, measuredMiB: 70),
        Case(testDescription: "256 tokens", shape: .smol, batch: 1, sequence: 256, measuredMiB: 205),
        Case(testDescription: "1024 tokens", shape: .smol, batch: 4, sequence: 256, measuredMiB: 769),
    ])
    func estimate(_ given: Case) throws {
        let folder = NSTemporaryDirectory() + "shoal-memory-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Self.write(given.shape, to: folder)
        var options = TrainingOptions()
        options.precision = .bfloat16
        options.batchSize = given.batch
        options.sequenceLength = given.sequence
        let bytes = TrainingMemory.bytes(
            modelPath: folder, options: options, adapterValues: given.shape.adapterValues, trains: true)
        let estimateMiB = Double(bytes) / 1_048_576
        // Never below, or machines would be overfull; less than a fifth of a small machine above.
        #expect(estimateMiB >= given.measuredMiB && estimateMiB <= 1.25 * given.measuredMiB + 128, "\(estimateMiB)")
        options.recomputes = true
        let less = TrainingMemory.bytes(
            modelPath: folder, options: options, adapterValues: given.shape.adapterValues, trains: true)
        #expect(less < bytes)
    }

    @Test("without a model's files it says what does not depend on them")
    func nothing() {
        let bytes = TrainingMemory.bytes(
            modelPath: "/nowhere", options: TrainingOptions(), adapterValues: 0, trains: true)
        #expect(bytes > 1 << 20)
    }

    /// A model directory of that shape whose weights are a hole in a file.
    private static func write(_ shape: Shape, to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var tensors: [(String, [Int])] = [("model.embed_tokens.weight", [shape.vocabulary, shape.hidden])]
        for layer in 0..<shape.layers {
            let path = "model.layers.\(layer)."
            tensors += [
                (path + "self_attn.q_proj.weight", [shape.hidden, shape.hidden]),
                (path + "self_attn.k_proj.weight", [shape.keyWidth, shape.hidden]),
                (path + "self_attn.v_proj.weight", [shape.keyWidth, shape.hidden]),
                (path + "self_attn.o_proj.weight", [shape.hidden, shape.hidden]),
                (path + "mlp.gate_proj.weight", [shape.inner, shape.hidden]),
                (path + "mlp.up_proj.weight", [shape.inner, shape.hidden]),
                (path + "mlp.down_proj.weight", [shape.hidden, shape.inner]),
                (path + "input_layernorm.weight", [shape.hidden]),
            ]
        }
        var header: [String: Any] = [:]
        var offset = 0
        for (name, sizes) in tensors {
            let end = offset + sizes.reduce(2, *)
            header[name] = ["dtype": "BF16", "shape": sizes, "data_offsets": [offset, end]]
            offset = end
        }
        var text = try JSONSerialization.data(withJSONObject: header)
        while !text.count.isMultiple(of: 8) { text.append(0x20) }
        let path = folder + "/model.safetensors"
        let beginning = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) } + text
        try beginning.write(to: URL(fileURLWithPath: path))
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.truncate(atOffset: UInt64(8 + text.count + offset))
        try file.close()
        let configuration: [String: Any] = [
            "model_type": "llama", "hidden_size": shape.hidden, "intermediate_size": shape.inner,
            "num_hidden_layers": shape.layers, "num_attention_heads": shape.hidden / 64,
            "num_key_value_heads": shape.keyWidth / 64,
            "vocab_size": shape.vocabulary, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5,
            "hidden_act": "silu", "rope_theta": 10_000.0, "bos_token_id": 1, "eos_token_id": 2,
            "tie_word_embeddings": true,
        ]
        try JSONSerialization.data(withJSONObject: configuration).write(
            to: URL(fileURLWithPath: folder + "/config.json"))
    }
}
