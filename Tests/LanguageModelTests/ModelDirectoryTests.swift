import Foundation
import LanguageModel
import ModelFiles
import Tensor
import Testing

@Suite("Model directories")
struct ModelDirectoryTests {
    @Test("What config.json says")
    func configuration() throws {
        let gqa = try ModelDirectory(LlamaFixture("gqa").directory).configuration
        #expect(gqa.architecture == "llama")
        #expect(gqa.vocabularySize == 53 && gqa.maximumLength == 128)
        #expect(gqa.beginToken == 1 && gqa.endToken == 2)
        let mha = try ModelDirectory(LlamaFixture("mha").directory).configuration
        #expect(mha.beginToken == nil, "null")
        #expect(mha.endToken == 3, "the first of a list")
    }

    @Test("Layers that adapters may target: all linear ones, the head only when untied")
    func layers() throws {
        let tied = try LlamaFixture("gqa").model().linearLayers
        #expect(tied.count == 14)
        #expect(tied[1] == LinearLayer(name: "model.layers.0.self_attn.k_proj", inputs: 24, outputs: 12))
        #expect(tied[13] == LinearLayer(name: "model.layers.1.mlp.down_proj", inputs: 37, outputs: 24))
        let untied = try LlamaFixture("mha").model().linearLayers
        #expect(untied.last == LinearLayer(name: "lm_head", inputs: 20, outputs: 61, isOutputHead: true))
        #expect(untied.filter(\.isOutputHead).count == 1)
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let key: String
        let value: (any Sendable)?
        /// Words that the message must have beside the file and the key.
        let words: [String]

        init(_ key: String, _ value: (any Sendable)?, _ words: String...) {
            testDescription = "\(key) = \(value.map { "\($0)" } ?? "missing")"
            self.key = key
            self.value = value
            self.words = words
        }
    }

    static let refusals = [
        Refusal("model_type", "mamba", "mamba", "llama"),
        Refusal("model_type", nil, "has no"),
        Refusal("architectures", ["LlamaForSequenceClassification"], "LlamaForCausalLM"),
        Refusal("hidden_size", nil, "has no"),
        Refusal("hidden_size", 0, "whole number"),
        Refusal("hidden_size", "24", "\"24\""),
        Refusal("hidden_size", 1 << 40, "whole number"),
        Refusal("num_hidden_layers", -1, "-1"),
        Refusal("num_hidden_layers", 1 << 24, "16777216", "4096"),
        Refusal("partial_rotary_factor", 1e300, "1e+300"),
        Refusal("num_key_value_heads", 3, "divisor"),
        Refusal("head_dim", 7, "even"),
        Refusal("head_dim", 1024, "256"),
        Refusal("hidden_act", "mish", "mish", "silu"),
        Refusal("rms_norm_eps", 0, "above 0"),
        Refusal("attention_dropout", 0.1, "0.1"),
        Refusal("rope_scaling", ["rope_type": "yarn"], "yarn", "default"),
        Refusal("rope_parameters", ["rope_type": "llama3"], "rope_parameters.factor"),
        Refusal(
            "rope_parameters", ["rope_type": "default", "partial_rotary_factor": 0.5] as [String: any Sendable], "0.5"),
        Refusal("rope_theta", -3, "above 0"),
        Refusal("tie_word_embeddings", "yes", "true or false"),
        Refusal("quantization_config", ["bits": 4], "shoal quantize"),
        Refusal("sliding_window", 4096, "4096"),
        Refusal("bos_token_id", 53, "vocab_size"),
        Refusal("eos_token_id", "</s>", "token id"),
    ]

    @Test("Settings that cannot be honoured are refused by name", arguments: refusals)
    func refused(_ given: Refusal) throws {
        let model = try TemporaryModel(copying: "gqa")
        try model.configure([given.key: given.value])
        let error = try #require(throws: ModelError.self) { try ModelDirectory(model.directory) }
        let message = "\(error)"
        #expect(message.contains(model.configurationFile))
        for word in given.words + (given.key == "architectures" ? [] : given.key == "model_type" ? [] : [given.key]) {
            #expect(message.contains(word), "\(message)")
        }
    }

    @Test("A config.json that is missing, or no object")
    func unreadable() throws {
        #expect(throws: ModelError.self) { try ModelDirectory("/nonexistent") }
        let model = try TemporaryModel(copying: "gqa")
        for text in ["", "[1]", "{"] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: model.configurationFile))
            #expect(throws: ModelError.self) { try ModelDirectory(model.directory) }
        }
    }

    @Test("Weights of other sizes than config.json's are refused with both shapes")
    func shapes() throws {
        let model = try TemporaryModel(copying: "gqa")
        try model.configure(["intermediate_size": 38])
        let error = try #require(throws: ModelError.self) { try ModelDirectory(model.directory).loadModel() }
        #expect("\(error)".contains("model.layers.0.mlp.gate_proj.weight has shape [37, 24]"))
        #expect("\(error)".contains("[38, 24]"))
    }

    @Test("A checkpoint without one of the tensors")
    func missingTensor() throws {
        let model = try TemporaryModel(copying: "gqa")
        try model.configure(["num_hidden_layers": 3])
        let error = try #require(throws: ModelError.self) { try ModelDirectory(model.directory).loadModel() }
        #expect("\(error)".contains("model.layers.2."))
    }

    @Test("float32 weights are used where the checkpoint is mapped")
    func mapped() throws {
        for (name, isMapped) in [("gqa", true), ("mqa", false)] {
            let fixture = LlamaFixture(name)
            let checkpoint = try Checkpoint(directory: fixture.directory)
            let configuration = name == "gqa" ? (53, 24) : (67, 32)
            let embedding = try WeightReader(checkpoint: checkpoint, type: .float32).matrix(
                "model.embed_tokens.weight", configuration.0, configuration.1)
            let tensor = try checkpoint.tensor("model.embed_tokens.weight")
            #expect((embedding.bytes == tensor.bytes.baseAddress) == isMapped)
        }
    }

    @Test("float32 weights at odd addresses are copied and compute the same")
    func misaligned() throws {
        let model = try TemporaryModel(copying: "gqa")
        let url = URL(fileURLWithPath: model.weightsFile)
        var bytes = [UInt8](try Data(contentsOf: url))
        let header = Int(bytes[0]) + Int(bytes[1]) << 8
        bytes.insert(UInt8(ascii: " "), at: 8 + header)
        bytes[0] += 1
        try Data(bytes).write(to: url)
        let fixture = LlamaFixture("gqa")
        let batch = try fixture.batch()
        let logits = try ModelDirectory(model.directory).loadModel().logits(batch, adapter: nil)
        #expect(logits == (try fixture.model().logits(batch, adapter: nil)))
    }
}
