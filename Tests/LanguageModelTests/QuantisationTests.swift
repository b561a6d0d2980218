import FixtureFiles
import Foundation
import LanguageModel
import ModelFiles
import Tensor
import Testing

@Suite("Quantised models")
struct QuantisationTests {
    private let folder = ScratchFolder()

    init() { Threads.limit(to: 1) }

    /// Its own directory, so that a test may add files.
    private func copy(_ fixture: ArchitectureFixture) throws -> String {
        let directory = folder.file("original")
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for name in ["config.json", "model.safetensors"] {
            try FileManager.default.copyItem(atPath: fixture.directory + "/" + name, toPath: directory + "/" + name)
        }
        try Data("{}".utf8).write(to: URL(fileURLWithPath: directory + "/tokenizer.json"))
        return directory
    }

    private func members(_ directory: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: directory + "/config.json"))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    /// A plain float32 checkpoint of what a quantised one means, by the format's definition.
    private func expand(_ directory: String, like original: String, to target: String) throws {
        let quantised = try SafetensorsFile(path: directory + "/model.safetensors")
        var tensors: [(name: String, shape: [Int], values: [Float])] = []
        for tensor in try SafetensorsFile(path: original + "/model.safetensors").tensors {
            let stored = try #require(quantised.tensor(tensor.name))
            guard let weight = try QuantisedTensor(stored, in: quantised) else {
                #expect(stored.elementType == .bfloat16 && stored.shape == tensor.shape)
                tensors.append((tensor.name, tensor.shape, try stored.float32Values()))
                continue
            }
            let isTransposed =
                tensor.name.contains("c_attn") || tensor.name.contains("c_proj")
                || tensor.name.contains("c_fc")
            tensors.append(
                (tensor.name, tensor.shape, weight.values(columns: tensor.shape[isTransposed ? 0 : 1], isTransposed)))
        }
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: original + "/config.json", toPath: target + "/config.json")
        try Data(SafetensorsWriter.encode(tensors)).write(to: URL(fileURLWithPath: target + "/model.safetensors"))
    }

    @Test(
        "A quantised model computes what a plain one of the same values does",
        arguments: ArchitectureFixture.decoders, QuantisationFormat.allCases)
    func sameAsPlain(_ fixture: ArchitectureFixture, _ format: QuantisationFormat) throws {
        let original = try copy(fixture)
        let (quantised, plain) = (folder.file("quantised"), folder.file("plain"))
        let report = try ModelDirectory(original).quantise(to: format, at: quantised)
        #expect(report.relativeError < (format == .int8 ? 0.01 : 0.12))
        try expand(quantised, like: original, to: plain)
        let batch = try fixture.batch()
        for precision in [ModelOptions.Precision.float32, .bfloat16] {
            let options = ModelOptions(precision: precision)
            let first = try ModelDirectory(quantised).loadModel(options)
            let second = try ModelDirectory(plain).loadModel(options)
            #expect(first.linearLayers == second.linearLayers)
            let adapter = try fixture.adapter(for: first)
            var gradients = [[Float]](repeating: .init(repeating: 0, count: adapter.layout.parameterCount), count: 2)
            // Other tests change the level, and with it the last bits.
            let (actual, expected) = KernelLevel.current.whileInUse {
                for (index, model) in [first, second].enumerated() {
                    _ = model.lossAndGradient(
                        batch, adapter: adapter, dropout: nil, gradientScale: 1, gradient: &gradients[index])
                }
                return (first.logits(batch, adapter: adapter), second.logits(batch, adapter: adapter))
            }
            #expect(relativeDistance(actual, expected) < 1e-6)
            #expect(relativeDistance(gradients[0], gradients[1]) < 1e-6)
        }
    }

    @Test("int8 changes the logits little", arguments: ArchitectureFixture.decoders)
    func int8Logits(_ fixture: ArchitectureFixture) throws {
        let directory = folder.file("quantised")
        _ = try ModelDirectory(fixture.directory).quantise(to: .int8, at: directory)
        let batch = try fixture.batch()
        let quantised = try ModelDirectory(directory).loadModel().logits(batch, adapter: nil)
        #expect(relativeDistance(quantised, try fixture.model().logits(batch, adapter: nil)) < 0.05)
    }

    @Test("The copy has its own identity, says how it was made, and takes the tokenizer along")
    func identity() throws {
        let original = try copy(ArchitectureFixture("llama"))
        var identities = [try ModelManifest(directory: original).identity]
        for format in QuantisationFormat.allCases {
            let directory = folder.file(format.rawValue)
            _ = try ModelDirectory(original).quantise(to: format, at: directory)
            identities.append(try ModelManifest(directory: directory).identity)
            let configuration = try #require(try members(directory)["quantization_config"] as? [String: Any])
            #expect(configuration["quant_method"] as? String == "shoal")
            #expect(configuration["format"] as? String == format.rawValue)
            #expect(try ModelDirectory(directory).configuration.quantisation == format)
            // The same model gives the same bytes again.
            let again = folder.file(format.rawValue + "-again")
            _ = try ModelDirectory(original).quantise(to: format, at: again)
            #expect(try ModelManifest(directory: again).identity == identities.last)
        }
        #expect(Set(identities).count == 3)
    }

    @Test("A quantised model is not quantised again")
    func alreadyQuantised() throws {
        let directory = folder.file("quantised")
        _ = try ModelDirectory(ArchitectureFixture("llama").directory).quantise(to: .nf4, at: directory)
        #expect(throws: QuantisationError.alreadyQuantised(directory: directory, format: .nf4)) {
            try ModelDirectory(directory).quantise(to: .int8, at: folder.file("again"))
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("again")))
    }

    @Test("A folder with files in it is left as it is, an empty one is filled")
    func occupied() throws {
        let model = try ModelDirectory(ArchitectureFixture("llama").directory)
        let target = folder.file("out")
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: URL(fileURLWithPath: target + "/notes.txt"))
        #expect(throws: FileError.self) { try model.quantise(to: .int8, at: target) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: target) == ["notes.txt"])
        try FileManager.default.removeItem(atPath: target + "/notes.txt")
        _ = try model.quantise(to: .int8, at: target)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["out"])
    }

    @Test("Values that are no numbers are refused by the tensor's name, and nothing is left behind")
    func notFinite() throws {
        let original = try copy(ArchitectureFixture("llama"))
        let name = "model.layers.0.mlp.up_proj.weight"
        let file = try SafetensorsFile(path: original + "/model.safetensors")
        let tensors = try file.tensors.map { tensor in
            var values = try tensor.float32Values()
            if tensor.name == name { values[5] = .nan }
            return (name: tensor.name, shape: tensor.shape, values: values)
        }
        try Data(SafetensorsWriter.encode(tensors)).write(to: URL(fileURLWithPath: original + "/model.safetensors"))
        #expect(throws: QuantisationError.notFinite(file: original + "/model.safetensors", tensor: name)) {
            try ModelDirectory(original).quantise(to: .nf4, at: folder.file("out"))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["original"])
    }

    @Test("Another tool's quantisation is refused by name", arguments: ["bitsandbytes", "gptq"])
    func foreign(_ method: String) throws {
        let original = try copy(ArchitectureFixture("llama"))
        var members = try members(original)
        members["quantization_config"] = ["quant_method": method, "bits": 4]
        try JSONSerialization.data(withJSONObject: members).write(
            to: URL(fileURLWithPath: original + "/config.json"))
        #expect(throws: ModelError.self) { try ModelDirectory(original) }
    }
}

/// A quantised weight read naively.
private struct QuantisedTensor {
    private let value: (_ row: Int, _ column: Int, _ columns: Int) -> Float
    private let rows: Int

    /// `nil` for a plain tensor.
    init?(_ tensor: SafetensorsFile.Tensor, in file: SafetensorsFile) throws {
        rows = tensor.shape[0]
        let codes = tensor.withBytes { Array($0) }
        switch tensor.elementType {
        case .int8:
            let scales = try #require(file.tensor(tensor.name + ".scales")).float32Values()
            value = { row, column, columns in
                Float(Int8(bitPattern: codes[row * columns + column])) * scales[row]
            }
        case .uint8:
            let absmax = try #require(file.tensor(tensor.name + ".absmax"))
            let maxima = absmax.withBytes { Array($0) }
            let scales = try #require(file.tensor(tensor.name + ".absmax.scales")).float32Values()
            let offset = try #require(file.tensor(tensor.name + ".absmax.offset")).float32Values()[0]
            let (rowBytes, blocks) = (tensor.shape[1], absmax.shape[1])
            value = { row, column, _ in
                let byte = codes[row * rowBytes + column / 2]
                let block = row * blocks + column / 64
                let largest = Double(NF4Matrix.absmaxMap[Int(maxima[block])]) * Double(scales[block / 256])
                return NF4Matrix.codeValues[Int(column % 2 == 0 ? byte >> 4 : byte & 15)]
                    * Float(largest + Double(offset))
            }
        default: return nil
        }
    }

    /// - Parameter isTransposed: The original stores `[columns, rows]`.
    func values(columns: Int, _ isTransposed: Bool) -> [Float] {
        (0..<rows * columns).map { index in
            isTransposed
                ? value(index % rows, index / rows, columns) : value(index / columns, index % columns, columns)
        }
    }
}
