import FixtureFiles
import Foundation
import Testing

/// `shoal evaluate` and `shoal quantize` on an encoder whose loss `transformers` and `peft` gave.
@Suite("Evaluating a classifier")
struct ClassificationTests {
    private let folder = ScratchFolder()
    private let fixture = FixtureFiles.path("architectures/bert")
    private let names = ["low", "middle", "high"]
    private let model: String
    private let adapter: String
    private let data: String
    private let loss: Double
    private let accuracy: Double

    /// The fixture with a tokenizer whose word `wN` is token N, so that the fixture's tokens can be written as text.
    init() throws {
        (model, adapter) = (folder.file("model"), folder.file("adapter"))
        try FileManager.default.createDirectory(atPath: model, withIntermediateDirectories: true)
        for name in ["config.json", "model.safetensors"] {
            try FileManager.default.copyItem(atPath: "\(fixture)/\(name)", toPath: "\(model)/\(name)")
        }
        try FileManager.default.copyItem(atPath: fixture + "/adapter", toPath: adapter)
        try folder.write(#"["low", "middle", "high"]"#, to: "adapter/labels.json")
        let vocabulary = (0..<47).map { "\"w\($0)\": \($0)" }.joined(separator: ", ")
        try folder.write(
            """
            {"version": "1.0", "added_tokens": [], "normalizer": null, "post_processor": null, "decoder": null,
             "truncation": null, "padding": null, "pre_tokenizer": {"type": "WhitespaceSplit"},
             "model": {"type": "WordPiece", "unk_token": "w0", "continuing_subword_prefix": "##",
                       "max_input_chars_per_word": 100, "vocab": {\(vocabulary)}}}
            """, to: "model/tokenizer.json")
        let file = try Tensors(path: fixture + "/expected.safetensors")
        let (tokens, lengths, labels) = (file.integers("tokens"), file.integers("lengths"), file.integers("labels"))
        let logits = file.floats("logits")
        var rows = ""
        var correct = 0
        var start = 0
        for (row, label) in labels.enumerated() {
            let words = tokens[start..<start + lengths[row]].map { "w\($0)" }.joined(separator: " ")
            start += lengths[row]
            rows += "{\"text\": \"\(words)\", \"label\": \"\(names[label])\"}\n"
            let own = logits[row * names.count..<(row + 1) * names.count]
            if own.max() == own[own.startIndex + label] { correct += 1 }
        }
        data = try folder.write(rows, to: "data.jsonl")
        loss = try #require(file.floats("loss").first.map(Double.init))
        accuracy = Double(correct) / Double(labels.count)
    }

    private func evaluate(_ model: String, _ arguments: [String]) throws -> Program.Outcome {
        try Program.start(
            ["evaluate", "--model", model, "--data", data, "--sequence-length", "24", "--json"] + arguments
        ).finish()
    }

    private func results(_ model: String, _ arguments: String...) throws -> [[String: Any]] {
        let outcome = try evaluate(model, arguments)
        try #require(outcome.code == 0, "\(outcome.errors)")
        return try outcome.objects
    }

    private func number(_ object: [String: Any]?, _ key: String) throws -> Double {
        try #require(object?[key] as? NSNumber, "no number '\(key)'").doubleValue
    }

    @Test("the loss and accuracy are those of transformers")
    func adapted() throws {
        let result = try results(model, "--adapter", adapter)
        #expect(result.count == 1)
        #expect(abs(try number(result.first, "loss") - loss) < 1e-5)
        #expect(try number(result.first, "accuracy") == accuracy)
        #expect(try number(result.first, "examples") == 4)
        #expect(try number(result.first, "tokens") == 9 + 13 + 1 + 12)
    }

    @Test("several adapters, with other names for the classes or none, give a line each")
    func several() throws {
        let other = folder.file("other")
        try FileManager.default.copyItem(atPath: adapter, toPath: other)
        try folder.write(#"["middle", "low", "high"]"#, to: "other/labels.json")
        let result = try results(model, "--adapter", adapter, "--adapter", other)
        #expect(result.compactMap { $0["adapter"] as? String } == ["adapter", "other"])
        #expect(abs(try number(result.first, "loss") - loss) < 1e-5)
        #expect(abs(try number(result.last, "loss") - loss) > 1e-3, "the same logits under other names")
        try FileManager.default.removeItem(atPath: other + "/labels.json")
        let refused = try evaluate(model, ["--adapter", other])
        #expect(refused.code == 2 && refused.errors.contains("LABEL_0"), "\(refused.errors)")
    }

    @Test("classes without names are refused with what is missing")
    func unnamed() throws {
        let configuration = try String(contentsOfFile: model + "/config.json", encoding: .utf8)
        try folder.write(configuration.replacingOccurrences(of: "id2label", with: "unused"), to: "model/config.json")
        #expect(try evaluate(model, []).errors.contains("give --adapter"))
        let nowhere = try evaluate(model, ["--adapter", folder.file("nowhere")])
        #expect(nowhere.code == 2 && nowhere.errors.contains("nowhere/adapter_config.json"), "\(nowhere.errors)")
        try FileManager.default.removeItem(atPath: adapter + "/labels.json")
        let unnamed = try evaluate(model, ["--adapter", adapter])
        #expect(unnamed.code == 2 && unnamed.errors.contains("write labels.json"), "\(unnamed.errors)")
    }

    @Test("the quantised copy classifies almost the same", arguments: [("int8", 0.02), ("nf4", 0.2)])
    func quantised(_ format: String, _ tolerance: Double) throws {
        let copy = folder.file(format)
        let outcome = try Program.run("quantize", "--model", model, "--to", format, "--out", copy, "--json")
        try #require(outcome.code == 0, "\(outcome.errors)")
        // Six linear layers in each of two encoder layers, and the pooler; not the head.
        #expect(try number(try outcome.objects.last, "matrices") == 13)
        let result = try results(copy, "--adapter", adapter)
        #expect(abs(try number(result.first, "loss") - loss) < tolerance)
        #expect(try number(result.first, "loss") != loss)
    }
}

/// The 32-bit tensors of a safetensors file.
private struct Tensors {
    private let bytes: Data
    private let header: [String: Any]
    private let start: Int

    init(path: String) throws {
        bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let length = bytes.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        start = 8 + length
        header = try #require(try JSONSerialization.jsonObject(with: bytes[8..<start]) as? [String: Any])
    }

    func integers(_ name: String) -> [Int] { words(name).map { Int(Int32(bitPattern: $0)) } }
    func floats(_ name: String) -> [Float] { words(name).map { Float(bitPattern: $0) } }

    private func words(_ name: String) -> [UInt32] {
        guard let offsets = (header[name] as? [String: Any])?["data_offsets"] as? [Int], offsets.count == 2 else {
            return []
        }
        return stride(from: start + offsets[0], to: start + offsets[1], by: 4).map { first in
            (0..<4).reduce(0) { $0 | UInt32(bytes[first + $1]) << (8 * UInt32($1)) }
        }
    }
}
