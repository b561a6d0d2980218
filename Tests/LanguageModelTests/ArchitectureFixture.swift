import FixtureFiles
import LanguageModel
import ModelFiles
import Tensor
import Testing

/// One case of `Tests/Fixtures/architectures`, made by `make.py` there with transformers and peft.
struct ArchitectureFixture: Sendable, CustomTestStringConvertible {
    /// The decoders that are supported; `make.py` says what each case holds.
    static let decoders = [
        "llama", "llama-linear", "llama-dynamic", "llama-llama3", "llama-dora", "mistral-window", "qwen2",
        "qwen2-window", "qwen3",
        "gemma", "gemma3", "gemma3-old", "phi", "phi3", "gpt2", "gpt2-dora",
    ].map(ArchitectureFixture.init)

    let name: String
    var testDescription: String { name }
    var directory: String { FixtureFiles.path("architectures/" + name) }

    init(_ name: String) { self.name = name }

    /// Tests run side by side: one thread each.
    func model(_ options: ModelOptions = ModelOptions()) throws -> any CausalLanguageModel {
        Threads.limit(to: 1)
        return try ModelDirectory(directory).loadModel(options)
    }

    func adapter(for model: any CausalLanguageModel) throws -> LowRankAdapter {
        let (configuration, layout, values) = try AdapterDirectory.read(directory + "/adapter")
        return try LowRankAdapter(
            binding: layout, values: values, configuration: configuration, to: model.linearLayers, savedModules: [])
    }

    func expected() throws -> SafetensorsFile { try SafetensorsFile(path: directory + "/expected.safetensors") }

    func batch() throws -> TokenBatch {
        let tokens = try #require(try expected().tensor("tokens"))
        return TokenBatch(tokens: tokens.int32Values(), blocks: tokens.shape[0], length: tokens.shape[1])
    }
}

extension SafetensorsFile.Tensor {
    /// The values of an I32 tensor, row-major.
    func int32Values() -> [Int32] {
        withBytes { bytes in
            (0..<count).map { Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)) }
        }
    }
}
