import Benchmarking
import FixtureFiles
import Foundation
import LanguageModel
import ModelFiles
import Testing

@Suite("Random checkpoints")
struct RandomCheckpointTests {
    private let folder = ScratchFolder()

    private func make(_ name: String, _ type: ElementType = .float32, cache: String = "cache") throws -> String {
        try RandomCheckpoint.directory(
            of: try #require(ModelShape.named(name)), type: type, cache: folder.file(cache + "/nested"))
    }

    @Test("the engine loads one", arguments: [ElementType.float32, .bfloat16])
    func loads(_ type: ElementType) throws {
        let directory = try ModelDirectory(try make("tiny", type))
        #expect(directory.configuration.architecture == "llama")
        #expect(try directory.loadModel().vocabularySize == 2048)
    }

    @Test("weights are normal with deviation 0.02, norms one", arguments: [ElementType.float32, .bfloat16])
    func distribution(_ type: ElementType) throws {
        let checkpoint = try Checkpoint(directory: try make("tiny", type))
        let weights = try checkpoint.tensor("model.embed_tokens.weight")
        #expect(weights.elementType == type)
        let values = try weights.float32Values().map(Double.init)
        let count = Double(values.count)
        let deviation = (values.reduce(0) { $0 + $1 * $1 } / count).squareRoot()
        #expect(abs(values.reduce(0, +) / count) < 5 * 0.02 / count.squareRoot())
        #expect(abs(deviation / 0.02 - 1) < 5 / (2 * count).squareRoot())
        let outside = values.filter { abs($0) > 0.04 }.count
        #expect(abs(Double(outside) / count - 0.0455) < 0.003)  // Beyond two deviations.
        #expect(try checkpoint.tensor("model.norm.weight").float32Values().allSatisfy { $0 == 1 })
    }

    @Test("tensors differ from each other")
    func tensorsDiffer() throws {
        let checkpoint = try Checkpoint(directory: try make("tiny"))
        let query = try checkpoint.tensor("model.layers.0.self_attn.q_proj.weight").float32Values()
        let other = try checkpoint.tensor("model.layers.1.self_attn.q_proj.weight").float32Values()
        #expect(query != other)
    }

    @Test("two runs give the same bytes", arguments: ["tiny", "minilm-l6"])
    func deterministic(_ name: String) throws {
        let first = try make(name, .bfloat16, cache: "first")
        let second = try make(name, .bfloat16, cache: "second")
        for file in ["config.json", "model.safetensors"] {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: first + "/" + file))
            #expect(bytes == (try Data(contentsOf: URL(fileURLWithPath: second + "/" + file))))
        }
    }

    @Test("one that is there is used again; a damaged one is replaced")
    func reuse() throws {
        let path = try make("tiny")
        let weights = path + "/model.safetensors"
        let number = try inode(weights)
        #expect(try make("tiny") == path)
        #expect(try inode(weights) == number)
        try Data("cut".utf8).write(to: URL(fileURLWithPath: weights))
        #expect(try make("tiny") == path)
        #expect(try Checkpoint(directory: path).tensor("model.norm.weight").shape == [128])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("cache/nested")).count == 1)
    }

    @Test("a cache folder that cannot be made is named in the error")
    func noFolder() throws {
        let path = folder.file("plain")
        try Data().write(to: URL(fileURLWithPath: path))
        let shape = try #require(ModelShape.named("tiny"))
        #expect(throws: RandomCheckpointError.noFolder(path + "/below")) {
            try RandomCheckpoint.directory(of: shape, type: .float32, cache: path + "/below")
        }
    }

    private func inode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
    }
}
