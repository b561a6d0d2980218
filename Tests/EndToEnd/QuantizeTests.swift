import FixtureFiles
import Foundation
import Testing

/// `shoal quantize` as a person runs it, and other commands on what it wrote.
@Suite("Quantising a model")
struct QuantizeTests {
    private let folder = ScratchFolder()

    private func number(_ outcome: Program.Outcome, _ key: String) throws -> Double {
        #expect(outcome.code == 0, "\(outcome.errors)")
        return try #require(try outcome.objects.last?[key] as? NSNumber, "no number '\(key)'").doubleValue
    }

    private func loss(_ model: String, _ data: String) throws -> Double {
        try number(
            try Program.run(
                "evaluate", "--model", model, "--data", data, "--sequence-length", "32", "--threads", "1", "--json"),
            "loss")
    }

    @Test("the copy evaluates and generates like the original, and is smaller")
    func copies() throws {
        let data = try folder.write(
            (0..<60).map { "{\"text\": \"Line \($0) of an ordinary text about nothing much at all.\"}\n" }.joined(),
            to: "data.jsonl")
        let original = try loss("built-in", data)
        var sizes: [Double] = []
        for (format, tolerance) in [("int8", 0.01), ("nf4", 0.1)] {
            let path = folder.file(format)
            let outcome = try Program.run("quantize", "--model", "built-in", "--to", format, "--out", path, "--json")
            sizes.append(try number(outcome, "bytes"))
            #expect(try number(outcome, "matrices") > 0)
            #expect(abs(try loss(path, data) / original - 1) < tolerance, "\(format)")
            let text = try Program.run("generate", "--model", path, "--prompt", "The", "--max-tokens", "5")
            #expect(text.code == 0 && text.output.hasPrefix("The"), "\(text.errors)")
        }
        #expect(sizes[1] < sizes[0])
    }

    @Test("a fleet trains on the copy")
    func simulate() throws {
        let path = folder.file("nf4")
        #expect(try Program.run("quantize", "--model", "built-in", "--to", "nf4", "--out", path).code == 0)
        let run = try folder.write(
            """
            model: \(path)
            data: {path: built-in, partition: worker}
            adapter: {rank: 4, alpha: 8, targets: all-linear}
            training: {local-steps: 3, batch-size: 4, sequence-length: 64, optimizer: adamw, learning-rate: 0.003}
            federation: {workers: 2, rounds: 2, workers-per-round: 2, seed: 7}
            """, to: "run.yaml")
        let outcome = try Program.run(
            "simulate", "--config", run, "--in-process", "--state", folder.file("state"), "--json")
        #expect(try number(outcome, "finalLoss") < (try number(outcome, "baseLoss")))
    }

    @Test("mistakes are refused with exit code 2, and nothing is written")
    func refusals() throws {
        let path = folder.file("int8")
        #expect(try Program.run("quantize", "--model", "built-in", "--to", "int8", "--out", path).code == 0)
        let target = folder.file("out")
        func expectRefused(_ model: String, _ format: String, _ out: String, _ word: String) throws {
            let outcome = try Program.run("quantize", "--model", model, "--to", format, "--out", out)
            #expect(outcome.code == 2, "exit code \(outcome.code): \(outcome.errors)")
            #expect(outcome.errors.contains(word), "no '\(word)' in: \(outcome.errors)")
        }
        try expectRefused(path, "nf4", target, "already quantised")
        try expectRefused("built-in", "int8", path, "not empty")
        try expectRefused("built-in", "int3", target, "int3")
        try expectRefused(folder.file("nowhere"), "int8", target, "config.json")
        let foreign = folder.file("foreign")
        try FileManager.default.createDirectory(atPath: foreign, withIntermediateDirectories: true)
        try folder.write(#"{"model_type": "mamba"}"#, to: "foreign/config.json")
        try expectRefused(foreign, "int8", target, "mamba")
        #expect(!FileManager.default.fileExists(atPath: target))
    }
}
