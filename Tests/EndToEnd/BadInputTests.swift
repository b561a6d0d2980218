import FixtureFiles
import Foundation
import Testing

/// Every mistake ends with exit code 2 and a sentence that names what is wrong; nothing is half-written.
@Suite("Bad input")
struct BadInputTests {
    private let folder: ScratchFolder
    private let model: String
    private let data: String

    init() throws {
        folder = ScratchFolder()
        model = folder.file("model")
        try FileManager.default.createDirectory(atPath: model, withIntermediateDirectories: true)
        for name in ["config.json", "tokenizer.json", "model.safetensors"] {
            try FileManager.default.copyItem(
                atPath: FixtureFiles.packagePath("Sources/CBuiltIn/files/" + name), toPath: "\(model)/\(name)")
        }
        data = try folder.write(
            (0..<40).map { "{\"text\": \"Line \($0) of an ordinary text about nothing much at all.\"}\n" }.joined(),
            to: "data.jsonl")
    }

    /// Asserts that `shoal evaluate` on the prepared folder is refused with a message that holds every one of `words`.
    private func expectRefused(_ words: String..., arguments: [String] = []) throws {
        let outcome = try Program.start(["evaluate", "--model", model, "--data", data] + arguments).finish()
        #expect(outcome.code == 2, "exit code \(outcome.code): \(outcome.errors)")
        #expect(outcome.output.isEmpty)
        for word in words { #expect(outcome.errors.contains(word), "no '\(word)' in: \(outcome.errors)") }
    }

    private func changeConfiguration(_ change: (inout [String: Any]) -> Void) throws {
        let url = URL(fileURLWithPath: "\(model)/config.json")
        var object = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
        change(&object)
        try JSONSerialization.data(withJSONObject: object).write(to: url)
    }

    /// Rewrites the header of model.safetensors through its JSON text, keeping the data.
    private func changeHeader(_ change: (String) -> String) throws {
        let url = URL(fileURLWithPath: "\(model)/model.safetensors")
        let bytes = try Data(contentsOf: url)
        let length = bytes.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        let header = Data(change(String(decoding: bytes[8..<8 + length], as: UTF8.self)).utf8)
        let prefix = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        try (Data(prefix) + header + bytes[(8 + length)...]).write(to: url)
    }

    @Test("a good folder is accepted, so that the refusals below mean something")
    func accepted() throws {
        let outcome = try Program.run(
            "evaluate", "--model", model, "--data", data, "--sequence-length", "32", "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try outcome.objects.count == 1)
    }

    @Test("a missing model directory")
    func missingModel() throws {
        try FileManager.default.removeItem(atPath: model)
        try expectRefused("config.json")
    }

    @Test("missing weights")
    func missingWeights() throws {
        try FileManager.default.removeItem(atPath: "\(model)/model.safetensors")
        try expectRefused("model.safetensors")
    }

    @Test("truncated weights")
    func truncatedWeights() throws {
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: "\(model)/model.safetensors"))
        try handle.truncate(atOffset: 100_000)
        try expectRefused("model.safetensors")
    }

    @Test("an unknown element type")
    func unknownElementType() throws {
        try changeHeader { $0.replacingOccurrences(of: #""(BF16|F32)""#, with: #""Q7""#, options: .regularExpression) }
        try expectRefused("Q7")
    }

    @Test("overlapping tensors")
    func overlap() throws {
        try changeHeader { text in
            guard let first = text.range(of: #""data_offsets":\[\d+,\d+\]"#, options: .regularExpression),
                let second = text.range(
                    of: #""data_offsets":\[\d+,\d+\]"#, options: .regularExpression,
                    range: first.upperBound..<text.endIndex)
            else { return text }
            return text.replacingCharacters(in: second, with: text[first])
        }
        try expectRefused("model.safetensors")
    }

    @Test("an unsupported architecture is named with the supported list")
    func architecture() throws {
        try changeConfiguration {
            $0["model_type"] = "mamba"
            $0["architectures"] = ["MambaForCausalLM"]
        }
        try expectRefused("amba", "llama")
    }

    @Test("a missing tokenizer")
    func missingTokenizer() throws {
        try FileManager.default.removeItem(atPath: "\(model)/tokenizer.json")
        try expectRefused("tokenizer.json")
    }

    @Test("a tokenizer with more tokens than the model")
    func foreignTokenizer() throws {
        let url = URL(fileURLWithPath: "\(model)/tokenizer.json")
        let text = try String(contentsOf: url, encoding: .utf8)
        let larger = text.replacingOccurrences(
            of: #""vocab"\s*:\s*\{"#, with: #""vocab": {"zzzz": 99999,"#, options: .regularExpression)
        try #require(larger != text)
        try larger.write(to: url, atomically: true, encoding: .utf8)
        try expectRefused("99999", "vocab_size")
    }

    @Test("a malformed JSON line is given by file and line number")
    func malformedLine() throws {
        try folder.write("{\"text\": \"good\"}\n{\"text\": \n", to: "data.jsonl")
        try expectRefused("data.jsonl:2")
    }

    @Test("an empty data set")
    func emptyData() throws {
        try folder.write("", to: "data.jsonl")
        try expectRefused("data.jsonl")
    }

    @Test("less than one block of text")
    func shortData() throws {
        try folder.write("{\"text\": \"short\"}\n", to: "data.jsonl")
        try expectRefused("block", arguments: ["--sequence-length", "128"])
    }

    @Test("an adapter for another model")
    func foreignAdapter() throws {
        let adapter = FixtureFiles.path("peft/adapter")
        try expectRefused("adapter", arguments: ["--adapter", adapter])
    }

    @Test("what only the model shows to be impossible is refused with the run file's line and the remedy")
    func lineOfTheModel() throws {
        let run = try folder.write(
            """
            model: built-in
            data: {path: built-in}
            adapter:
              targets: [q_proj, k_proj]
              rank: 2000
            training:
              sequence-length: 64
            federation: {workers: 3, rounds: 1, aggregation: fed-sb}
            """, to: "run.yaml")
        for (settings, line, remedy) in [
            ([], "run.yaml:5: fed-sb takes as many singular vectors", "set adapter.rank to at most"),
            (
                ["--set", "training.sequence-length=100000"], "--set training.sequence-length=100000: ",
                "sequence-length"
            ),
            (["--set", "adapter.targets=[nothing]"], "--set adapter.targets=[nothing]: adapter.targets", "it has"),
        ] {
            let outcome = try Program.start(["config", "check", "--config", run] + settings).finish()
            #expect(outcome.code == 2)
            #expect(outcome.errors.contains(line) && outcome.errors.contains(remedy), "\(outcome.errors)")
        }
        // The rank that the message names is one that goes.
        let refused = try Program.run("config", "check", "--config", run)
        let most = try #require(
            refused.errors.split(separator: "at most ").last.flatMap { Int($0.prefix { $0.isNumber }) })
        #expect(try Program.run("config", "check", "--config", run, "--set", "adapter.rank=\(most)").code == 0)
        #expect(try Program.run("config", "check", "--config", run, "--set", "adapter.rank=\(most + 1)").code == 2)
    }

    @Test("a mistyped option")
    func usage() throws {
        let outcome = try Program.run("evaluate", "--model", "x", "--data", "y", "--modell")
        #expect(outcome.code == 2)
        #expect(outcome.errors.contains("--modell"))
    }

    @Test(
        "a run file with a mistake",
        arguments: [
            ("adapter: {ranks: 4}", "ranks"), ("adapter: {rank: 0}", "rank"), ("adapter: {targets: [nose]}", "nose"),
            ("training: {batch-size: many}", "batch-size"),
            ("federation: {workers: 2, workers-per-round: 5}", "workers-per-round"),
            ("compression: {uplink: magic}", "magic"), ("model: /nowhere/at/all", "/nowhere/at/all"),
            ("data: {path: /nowhere/data.jsonl}", "/nowhere/data.jsonl"),
        ])
    func runFile(section: String, word: String) throws {
        var sections = ["model": "model: built-in", "data": "data: {path: built-in, partition: worker}"]
        sections["federation"] = "federation: {workers: 2, rounds: 1}"
        sections[String(section.prefix { $0 != ":" })] = section
        let path = try folder.write(sections.values.sorted().joined(separator: "\n") + "\n", to: "run.yaml")
        let state = folder.file("state")
        let outcome = try Program.run("simulate", "--config", path, "--state", state)
        #expect(outcome.code == 2, "exit code \(outcome.code): \(outcome.errors)")
        #expect(outcome.errors.contains(word), "no '\(word)' in: \(outcome.errors)")
        #expect(!FileManager.default.fileExists(atPath: state + "/adapter"))
    }
}
