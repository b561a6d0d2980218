import FixtureFiles
import Foundation
import Testing

/// `shoal generate` and `shoal evaluate` with several adapters over one base model, as a person runs them.
@Suite("Several adapters over one model", .serialized)
struct GenerateTests {
    private let folder = ScratchFolder()

    /// A PEFT directory that a short run of another seed wrote.
    private func adapter(seed: Int) throws -> String {
        let state = folder.file("run\(seed)")
        let run = try folder.write(
            """
            model: built-in
            data: {path: built-in, partition: worker}
            adapter: {rank: 4, alpha: 16, targets: all-linear}
            training: {local-steps: 8, batch-size: 4, sequence-length: 32, learning-rate: 0.01}
            federation: {workers: 1, rounds: 1, seed: \(seed)}
            """, to: "run\(seed).yaml")
        let outcome = try Program.run("simulate", "--config", run, "--in-process", "--state", state, "--json")
        try #require(outcome.code == 0, "\(outcome.errors)")
        return state + "/adapter"
    }

    private func generate(_ arguments: String...) throws -> String {
        let start = ["generate", "--model", "built-in", "--prompt", "The patient", "--max-tokens", "30"]
        let outcome = try Program.start(start + arguments).finish()
        try #require(outcome.code == 0, "\(outcome.errors)")
        return outcome.output
    }

    private func evaluate(_ arguments: String...) throws -> [[String: Any]] {
        let data = try folder.write(
            (0..<60).map { "{\"text\": \"Line \($0) of an ordinary text about nothing much at all.\"}\n" }.joined(),
            to: "data.jsonl")
        let start = ["evaluate", "--model", "built-in", "--data", data, "--sequence-length", "32", "--json"]
        let outcome = try Program.start(start + arguments).finish()
        try #require(outcome.code == 0, "\(outcome.errors)")
        return try outcome.objects
    }

    @Test("one continuation each under its name, the same as alone; one adapter's has no title")
    func generating() throws {
        let (one, two) = (try adapter(seed: 1), try adapter(seed: 2))
        let alone = [try generate(), try generate("--adapter", one), try generate("--adapter", two)]
        #expect(Set(alone).count == 3)
        #expect(alone.allSatisfy { $0.hasPrefix("The patient") })
        let both = ["--adapter", "one=\(one)", "--adapter", "two=\(two)"]
        #expect(
            try generate(both[0], both[1], both[2], both[3]) == "=== one ===\n\(alone[1])\n=== two ===\n\(alone[2])")
        #expect(try generate(both[0], both[1], both[2], both[3], "--use", "two") == alone[2])
        #expect(
            try generate(both[0], both[1], both[2], both[3], "--use", "two", "--use", "base")
                == "=== two ===\n\(alone[2])\n=== base ===\n\(alone[0])")
    }

    @Test("one loss each, with its name; one adapter's object has no such key")
    func evaluating() throws {
        let (one, two) = (try adapter(seed: 1), try adapter(seed: 2))
        func loss(_ object: [String: Any]?) throws -> Double {
            try #require(object?["loss"] as? NSNumber).doubleValue
        }
        let alone = [try evaluate(), try evaluate("--adapter", one), try evaluate("--adapter", "two=\(two)")]
        for objects in alone {
            #expect(objects.count == 1 && objects[0]["adapter"] == nil)
        }
        let all = try evaluate(
            "--adapter", "one=\(one)", "--adapter", "two=\(two)", "--use", "base", "--use", "one", "--use", "two")
        #expect(all.compactMap { $0["adapter"] as? String } == ["base", "one", "two"])
        #expect(try all.map(loss) == alone.map { try loss($0.first) })
        #expect(Set(try all.map(loss)).count == 3)
    }

    @Test("the continuation ends before a stop string, and a seed repeats it")
    func stopping() throws {
        let whole = String(try generate().dropLast())
        let stop = String(whole.dropFirst("The patient".count + 20).prefix(6))
        let end = try #require(whole.dropFirst("The patient".count).firstRange(of: stop)).lowerBound
        #expect(try generate("--stop", "\u{1}", "--stop", stop) == whole[..<end] + "\n")
        let drawn = try generate("--temperature", "1", "--seed", "3")
        #expect(try generate("--temperature", "1", "--seed", "3") == drawn)
        #expect(try generate("--temperature", "1", "--seed", "4") != drawn)
    }

    @Test(
        "mistakes are refused with exit code 2 and a remedy",
        arguments: [
            (["--adapter", "a/x", "--adapter", "b/x"], "both called x"),
            (["--adapter", "a=b/x", "--adapter", "a=b/y"], "NAME=b/y"), (["--adapter", "base=b"], "another name"),
            (["--adapter", "=b"], "=b"), (["--adapter", "one=b", "--use", "two"], "there are base, one"),
            (["--use", "base", "--use", "base"], "twice"), (["--adapter", "nowhere/x"], "nowhere/x"),
            (["--stop", ""], "--stop"), (["--temperature", "-1"], "--temperature"),
        ])
    func refusals(_ arguments: [String], _ word: String) throws {
        let outcome = try Program.start(["generate", "--model", "built-in", "--prompt", "x"] + arguments).finish()
        #expect(outcome.code == 2, "exit code \(outcome.code): \(outcome.errors)")
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.contains(word), "no '\(word)' in: \(outcome.errors)")
    }
}
