import FixtureFiles
import Foundation
import LanguageModel
import ModelFiles
import Randomness
import Testing

/// MobileLLM's shared layers against the Llama that has each layer written out twice; Llama itself is judged by
/// `transformers`.
@Suite("Layers that run twice")
struct SharedLayerTests {
    private let folder = ScratchFolder()
    private let fixture = ArchitectureFixture("llama-dora")
    private let shared: any CausalLanguageModel
    private let doubled: any CausalLanguageModel

    init() throws {
        let (source, folder) = (fixture.directory, folder)
        func write(_ name: String, _ changes: [String: Any], _ layers: (Int) -> [Int]) throws -> String {
            let directory = folder.file(name)
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            let file = URL(fileURLWithPath: source + "/config.json")
            let members = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
            try JSONSerialization.data(withJSONObject: members.merging(changes) { $1 })
                .write(to: URL(fileURLWithPath: directory + "/config.json"))
            let checkpoint = try Checkpoint(directory: source)
            var tensors: [(name: String, shape: [Int], values: [Float])] = []
            for name in checkpoint.tensorNames {
                let tensor = try checkpoint.tensor(name)
                let values = try tensor.float32Values()
                for other in Self.names(name, layers) { tensors.append((other, tensor.shape, values)) }
            }
            try AtomicFile.write(SafetensorsWriter.encode(tensors), to: directory + "/model.safetensors")
            return directory
        }
        // As the published checkpoints have it: a tied head by another key than Llama's.
        let mobile: [String: Any] = [
            "model_type": "mobilellm", "architectures": ["MobileLLMForCausalLM"], "layer_sharing": true,
            "share_embedding": true, "tie_word_embeddings": false,
        ]
        shared = try ModelDirectory(try write("shared", mobile) { [$0] }).loadModel()
        doubled = try ModelDirectory(try write("doubled", ["num_hidden_layers": 4], Self.twice)).loadModel()
    }

    private static func twice(_ layer: Int) -> [Int] { [2 * layer, 2 * layer + 1] }

    /// The name with each of the numbers that `layers` gives for its layer's.
    private static func names(_ name: String, _ layers: (Int) -> [Int]) -> [String] {
        var parts = name.components(separatedBy: ".")
        guard let place = parts.firstIndex(of: "layers"), let layer = Int(parts[place + 1]) else { return [name] }
        return layers(layer).map { other in
            parts[place + 1] = "\(other)"
            return parts.joined(separator: ".")
        }
    }

    /// The fixture's adapter for the shared model, and for the other one with every tensor twice.
    private func adapters() throws -> (shared: LowRankAdapter, doubled: LowRankAdapter) {
        let (configuration, layout, values) = try AdapterDirectory.read(fixture.directory + "/adapter")
        var copies: [(name: String, shape: [Int], values: [Float])] = []
        for entry in layout.entries {
            for name in Self.names(entry.name, Self.twice) {
                copies.append((name, entry.shape, Array(values[entry.range])))
            }
        }
        let wide = AdapterLayout(copies.map { ($0.name, $0.shape) })
        let wideValues = wide.entries.flatMap { entry in copies.first { $0.name == entry.name }?.values ?? [] }
        func bind(
            _ layout: AdapterLayout, _ values: [Float], _ model: any CausalLanguageModel
        ) throws -> LowRankAdapter {
            try LowRankAdapter(
                binding: layout, values: values, scale: Float(configuration.scale), to: model.linearLayers)
        }
        return (try bind(layout, values, shared), try bind(wide, wideValues, doubled))
    }

    @Test("Logits and losses are those of the layers written out twice, with an adapter and without")
    func outputs() throws {
        let batch = try fixture.batch()
        let (adapter, wide) = try adapters()
        #expect(shared.linearLayers.count == 14 && doubled.linearLayers.count == 28)
        let expected = doubled.logits(batch, adapter: wide)
        #expect(relativeDistance(shared.logits(batch, adapter: adapter), expected) < 1e-5)
        #expect(relativeDistance(shared.logits(batch, adapter: nil), doubled.logits(batch, adapter: nil)) < 1e-5)
        #expect(relativeDistance(shared.logits(batch, adapter: nil), expected) > 1e-2, "the adapter does something")
        for (own, other) in zip(shared.losses(batch, adapter: adapter), doubled.losses(batch, adapter: wide)) {
            #expect(abs(own - other) < 1e-5)
        }
    }

    @Test("A factor's gradient is the sum of its two copies'", arguments: [false, true])
    func gradients(recomputes: Bool) throws {
        let batch = try fixture.batch()
        let (adapter, wide) = try adapters()
        func gradient(_ model: any CausalLanguageModel, _ adapter: LowRankAdapter) -> [Float] {
            var gradient = [Float](repeating: 0, count: adapter.layout.parameterCount)
            _ = model.lossAndGradient(batch, adapter: adapter, dropout: nil, gradientScale: 1, gradient: &gradient)
            return gradient
        }
        let model = try ModelDirectory(folder.file("shared")).loadModel(ModelOptions(recomputes: recomputes))
        let (own, other) = (gradient(model, adapter), gradient(doubled, wide))
        for entry in adapter.layout.entries {
            var sum = [Float](repeating: 0, count: entry.range.count)
            for name in Self.names(entry.name, Self.twice) {
                let copy = try #require(wide.layout[name])
                for (index, place) in copy.range.enumerated() { sum[index] += other[place] }
            }
            #expect(relativeDistance(own[entry.range], sum) < 1e-4, "\(entry.name)")
        }
    }

    @Test("Generation keeps keys and values of both runs")
    func generation() throws {
        let prompt = Array(try fixture.batch().tokens.prefix(5))
        let (adapter, wide) = try adapters()
        var (own, other) = (KeyValueCache(), KeyValueCache())
        for pending in [prompt, [3], [7], [11]] {
            let logits = shared.nextTokenLogits(after: pending, cache: &own, adapter: adapter)
            let expected = doubled.nextTokenLogits(after: pending, cache: &other, adapter: wide)
            #expect(relativeDistance(logits, expected) < 1e-5)
        }
    }

    @Test("Without sharing it is Llama with its own names; what says otherwise is refused by name")
    func settings() throws {
        let model = try TemporaryModel(copying: "gqa")
        let mobile: [String: Any?] = ["model_type": "mobilellm", "architectures": ["MobileLLMForCausalLM"]]
        try model.configure(mobile.merging(["share_embedding": true, "tie_word_embeddings": false]) { $1 })
        let batch = try LlamaFixture("gqa").batch()
        let logits = try ModelDirectory(model.directory).loadModel().logits(batch, adapter: nil)
        #expect(largestDifference(logits, try LlamaFixture("gqa").expected("base_logits")) < 1e-4)
        func message(_ changes: [String: Any?]) throws -> String {
            try model.configure(changes)
            let error = try #require(throws: ModelError.self) { try ModelDirectory(model.directory).loadModel() }
            return "\(error)"
        }
        #expect(try message(["layer_sharing": 2]).contains("layer_sharing must be true or false"))
        #expect(try message(["layer_sharing": nil, "share_embedding": "yes"]).contains("share_embedding must be"))
        #expect(try message(["share_embedding": false]).contains("lm_head.weight"))
        #expect(try message(["architectures": ["LlamaForCausalLM"]]).contains("MobileLLMForCausalLM"))
        let llama = try message(["model_type": "llama", "layer_sharing": true])
        #expect(llama.contains("layer_sharing = true is not supported"))
    }
}
