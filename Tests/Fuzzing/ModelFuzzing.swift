import FixtureFiles
import LanguageModel
import ModelFiles

/// `config.json` over the weights of a fixture, which the first byte picks; what can be built also computes.
enum ModelFuzzing {
    private static let fixtures = [
        "llama", "llama-dynamic", "llama-llama3", "mistral-window", "qwen2-window", "qwen3", "gemma", "gemma3", "phi",
        "phi3", "gpt2", "bert", "distilbert", "mobilebert",
    ]

    static func reader() throws -> FuzzTarget.Reader {
        let files = try fixtures.map { name in
            let file = try InputFile("config.json")
            try file.link("model.safetensors", to: FixtureFiles.path("architectures/\(name)/model.safetensors"))
            return file
        }
        return { bytes in
            guard let first = bytes.first else { return false }
            let file = files[Int(first) % files.count]
            try file.write(bytes.dropFirst())
            guard let directory = try? ModelDirectory(file.folder) else { return false }
            return try directory.configuration.isEncoder ? classifies(directory) : predicts(directory)
        }
    }

    private static func predicts(_ directory: ModelDirectory) throws -> Bool {
        guard let model = try? directory.loadModel() else { return false }
        let length = min(9, model.maximumLength)
        guard length >= 2 else { return true }
        let tokens = (0..<length).map { Int32($0 % model.vocabularySize) }
        let logits = model.logits(TokenBatch(tokens: tokens, blocks: 1, length: length), adapter: nil)
        try expect(logits.count == length * model.vocabularySize, "\(logits.count) logits")
        return true
    }

    private static func classifies(_ directory: ModelDirectory) throws -> Bool {
        guard let model = try? directory.loadClassifier(classes: max(2, directory.configuration.labels.count)),
            model.storedHead != nil
        else { return false }
        let tokens = (0..<min(5, model.maximumLength)).map { Int32($0 % model.vocabularySize) }
        guard !tokens.isEmpty else { return true }
        let logits = model.logits(ClassificationBatch([(tokens, 0)]), adapter: nil)
        try expect(logits.count == model.classCount, "\(logits.count) logits")
        return true
    }

    static func seeds() throws -> [[UInt8]] {
        try fixtures.enumerated().map { index, name in
            [UInt8(index)] + (try MappedFile(path: FixtureFiles.path("architectures/\(name)/config.json"))).copy()
        }
    }
}
