import FixtureFiles
import Foundation
import Interchange
import ModelFiles
import Testing

/// The oracle is the `gguf` package: `Tests/Fixtures/gguf/make.py` wrote the same adapters with it.
@Suite("Adapters as GGUF files")
struct GGUFAdapterTests {
    private func adapter(_ directory: String, model: String) throws -> GGUFAdapter {
        let (configuration, layout, values) = try AdapterDirectory.read(FixtureFiles.path(directory))
        return try GGUFAdapter(
            values, layout: layout, configuration: configuration,
            names: LlamaCppNames(configuration: FixtureFiles.path(model) + "/config.json"))
    }

    private func fixture(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: FixtureFiles.path("gguf/\(name).gguf"))))
    }

    @Test(
        "every decoder's adapter has the bytes that the gguf package writes",
        arguments: ["llama", "mistral-window", "qwen2", "qwen3", "gemma", "gemma3", "phi", "phi3", "gpt2"])
    func architectures(_ name: String) throws {
        let made = try adapter("architectures/\(name)/adapter", model: "architectures/\(name)")
        #expect(made.rescaledLayers.isEmpty)
        let expected = try fixture(name)
        #expect(made.file.encoded() == expected)
    }

    @Test(
        "other ranks, alphas and scalings have the bytes that the gguf package writes",
        arguments: ["patterns", "rslora"])
    func scalings(_ name: String) throws {
        let made = try adapter("peft/targets/\(name)", model: "gguf")
        let expected = try fixture(name)
        #expect(made.file.encoded() == expected)
    }

    @Test("the file's alpha over a layer's rank, times its B and A, is the adapter's product")
    func products() throws {
        let (configuration, layout, values) = try AdapterDirectory.read(FixtureFiles.path("peft/targets/patterns"))
        let made = try adapter("peft/targets/patterns", model: "gguf")
        #expect(made.alpha == 4)
        #expect(made.rescaledLayers.count == 4)
        for layer in try AdapterFactors(layout, configuration).layers where layer.name.hasSuffix("v_proj") {
            let name = "blk.\(layer.name.split(separator: ".")[2]).attn_v.weight"
            let a = try #require(made.file.tensors.first { $0.name == name + ".lora_a" })
            let b = try #require(made.file.tensors.first { $0.name == name + ".lora_b" })
            #expect(a.shape == [layer.rank, layer.inputs] && b.shape == [layer.outputs, layer.rank])
            for row in 0..<layer.outputs {
                for column in 0..<layer.inputs {
                    var (theirs, ours) = (0.0, 0.0)
                    for index in 0..<layer.rank {
                        theirs +=
                            layer.scale * Double(values[layer.b.lowerBound + row * layer.rank + index])
                            * Double(values[layer.a.lowerBound + index * layer.inputs + column])
                        ours +=
                            Double(made.alpha) / Double(layer.rank) * Double(b.values[row * layer.rank + index])
                            * Double(a.values[index * layer.inputs + column])
                    }
                    #expect(abs(theirs - ours) <= 1e-6 * max(abs(theirs), 1e-3))
                }
            }
        }
    }

    @Test("an alpha of 0, which llama.cpp would read as no scaling at all, stays an adapter that does nothing")
    func alphaOfZero() throws {
        let (read, layout, values) = try AdapterDirectory.read(FixtureFiles.path("architectures/qwen2/adapter"))
        var configuration = read
        configuration.alpha = 0
        let names = try LlamaCppNames(configuration: FixtureFiles.path("architectures/qwen2/config.json"))
        let made = try GGUFAdapter(values, layout: layout, configuration: configuration, names: names)
        #expect(made.alpha == 1)
        for tensor in made.file.tensors where tensor.name.hasSuffix(".lora_b") {
            #expect(tensor.values.allSatisfy { $0 == 0 })
        }
    }

    @Test("what GGUF cannot hold is refused by name")
    func refusals() throws {
        func expectRefused(_ error: GGUFExportError, _ directory: String, _ model: String) {
            #expect(throws: error) { try adapter(directory, model: model) }
        }
        expectRefused(.magnitudes, "architectures/llama-dora/adapter", "architectures/llama-dora")
        expectRefused(.wholeModule("score"), "peft/targets/llama-classes", "gguf")
        let known = ["gemma", "gemma3_text", "gpt2", "llama", "mistral", "phi", "phi3", "qwen2", "qwen3"]
        expectRefused(
            .unknownArchitecture("bert", known: known), "architectures/bert/adapter", "architectures/bert")
        expectRefused(
            .unknownLayer("transformer.h.0.attn.c_attn", "llama"), "architectures/gpt2/adapter", "architectures/llama")
        func expectRefused(_ error: GGUFExportError, heads: Int, layers: Int) throws {
            let folder = ScratchFolder()
            let text =
                "{\"model_type\": \"llama\", \"num_attention_heads\": \(heads), \"num_hidden_layers\": \(layers)}"
            try text.write(toFile: folder.file("config.json"), atomically: true, encoding: .utf8)
            let (configuration, layout, values) = try AdapterDirectory.read(
                FixtureFiles.path("peft/targets/all-linear"))
            let names = try LlamaCppNames(configuration: folder.file("config.json"))
            #expect(throws: error) {
                try GGUFAdapter(values, layout: layout, configuration: configuration, names: names)
            }
        }
        try expectRefused(
            .otherHeads(layer: "model.layers.0.self_attn.k_proj", outputs: 4, heads: 3), heads: 3, layers: 2)
        try expectRefused(.otherModel(layer: "model.layers.1.mlp.down_proj", layers: 1), heads: 2, layers: 1)
    }
}
