import FixtureFiles
import Foundation
import Testing

@Suite("Auditing a run")
struct AuditTests {
    private let folder = ScratchFolder()

    private static let runFile = """
        model: built-in
        data: {path: TEXT, partition: worker}
        adapter: {rank: 16, alpha: 32, targets: all-linear}
        training: {local-steps: 10, batch-size: 4, sequence-length: 32, learning-rate: 0.01}
        federation: {workers: WORKERS, rounds: 12, workers-per-round: WORKERS, weight-cap: 1, seed: 1}
        evaluation: {every: 0}
        """

    /// A text of one trade and about eight canaries, each a worker of its own.
    private func text() throws -> (path: String, coins: String, workers: Int) {
        let all = try String(
            contentsOfFile: FixtureFiles.packagePath("Sources/CBuiltIn/files/notes.jsonl"), encoding: .utf8)
        let rows = all.split(separator: "\n").filter { $0.contains("\"farm\"") }
        let own = try folder.write(rows.joined(separator: "\n"), to: "own.jsonl")
        let (out, coins) = (folder.file("text.jsonl"), folder.file("coins.json"))
        let made = try Program.run(
            "audit", "canaries", "--data", own, "--count", "16", "--unit", "worker", "--repeats", "12", "--seed", "4",
            "--out", out, "--canaries", coins)
        try #require(made.code == 0, "\(made.errors)")
        let mode = try FileManager.default.attributesOfItem(atPath: coins)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let lines = folder.text("text.jsonl").split(separator: "\n")
        let canaries = Set(lines.dropFirst(rows.count))
        #expect(lines.count == rows.count + 12 * canaries.count)
        return (out, coins, canaries.count + 1)
    }

    private func run(_ text: String, workers: Int, _ name: String, _ settings: [String]) throws -> String {
        let yaml = Self.runFile.replacing("TEXT", with: text).replacing("WORKERS", with: "\(workers)")
        let config = try folder.write(yaml, to: "\(name).yaml")
        let state = folder.file(name)
        let outcome = try Program.start(
            ["simulate", "--config", config, "--in-process", "--json", "--state", state]
                + settings.flatMap { ["--set", $0] }
        ).finish()
        try #require(outcome.code == 0, "\(outcome.errors.suffix(1_000))")
        return state
    }

    private func audit(_ state: String, _ coins: String, _ more: String...) throws -> [String: Any] {
        let outcome = try Program.start(
            [
                "audit", "run", "--model", "built-in", "--adapter", state + "/adapter", "--canaries", coins, "--state",
                state, "--json",
            ] + more
        ).finish()
        try #require(outcome.code == 0, "\(outcome.errors)")
        return try #require(try outcome.objects.first)
    }

    @Test("finds canaries that were trained on, and does not under epsilon 4")
    func canaries() throws {
        let (text, coins, workers) = try text()
        let open = try audit(try run(text, workers: workers, "open", []), coins)
        #expect((open["auc"] as? Double ?? 0) >= 0.95, "\(open)")
        #expect((open["exposureMean"] as? Double ?? 0) > 2.5, "\(open)")
        let (inside, outside) = (open["lossInserted"] as? Double ?? 9, open["lossLeftOut"] as? Double ?? 0)
        #expect(inside < 0.8 * outside && open["epsilonUpper"] is NSNull)
        let state = try run(
            text, workers: workers, "closed",
            [
                "federation.rounds=4", "privacy.mechanism=local", "privacy.epsilon=4", "privacy.delta=1e-5",
                "privacy.clip=1",
            ])
        let closed = try audit(state, coins)
        // Of 16 canaries a score that knows nothing has an area of 0.5 ± 0.15.
        #expect((closed["auc"] as? Double ?? 1) < 0.8, "\(closed)")
        let upper = try #require(closed["epsilonUpper"] as? Double)
        let atSmaller = try #require(try audit(state, coins, "--delta", "1e-9")["epsilonUpper"] as? Double)
        #expect(atSmaller > 1.1 * upper)
        #expect(upper > 3 && upper <= 4 && (closed["epsilonLower"] as? Double ?? 9) <= upper)
    }

    @Test("tells trained from other texts, and shows whom an adapter serves")
    func membership() throws {
        let (text, _, workers) = try text()
        let state = try run(text, workers: workers, "state", ["federation.rounds=2"])
        let rows = folder.text("text.jsonl").split(separator: "\n")
        let members = try folder.write(rows.suffix(12 * (workers - 1)).joined(separator: "\n"), to: "members.jsonl")
        let others = try folder.write(
            (0..<20).map { "{\"text\":\"The secret number of the locker is \(300 + $0) 111 \(900 - $0) 222.\"}" }
                .joined(separator: "\n"), to: "others.jsonl")
        let outcome = try Program.run(
            "audit", "membership", "--model", "built-in", "--adapter", state + "/adapter", "--members", members,
            "--others", others, "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let scores = try outcome.objects
        #expect(scores.compactMap { $0["score"] as? String } == ["loss", "loss-ratio", "min-k"])
        for score in scores {
            #expect(score["others"] as? Int == 20 && score["members"] as? Int == 12 * (workers - 1))
            #expect((0...1).contains(score["auc"] as? Double ?? -1))
            // Twenty others resolve neither rate.
            #expect(score["tprAt1Percent"] is NSNull && score["tprAtTenthPercent"] is NSNull)
        }
        let fairness = try Program.run(
            "audit", "fairness", "--model", "built-in", "--adapter", state + "/adapter", "--data", text, "--split",
            "train", "--sequence-length", "32", "--json")
        #expect(fairness.code == 0, "\(fairness.errors)")
        let lines = try fairness.objects
        let summary = try #require(lines.last)
        #expect(lines.count == workers + 1 && summary["workers"] as? Int == workers)
        let losses = lines.dropLast().compactMap { $0["loss"] as? Double }.sorted()
        #expect(losses.last == summary["worst"] as? Double)
        let mean = losses.reduce(0, +) / Double(losses.count)
        #expect(abs(mean - (summary["mean"] as? Double ?? 0)) < 1e-9)
    }

    @Test(
        "what cannot be audited is refused",
        arguments: [
            ["audit", "canaries", "--data", "a.jsonl", "--count", "1", "--out", "b.jsonl", "--canaries", "c.json"],
            ["audit", "canaries", "--data", "a.csv", "--count", "9", "--out", "b.jsonl", "--canaries", "c.json"],
            ["audit", "run", "--model", "built-in", "--adapter", "nowhere", "--canaries", "nowhere"],
            ["audit", "fairness", "--model", "nowhere", "--adapter", "nowhere", "--data", "nowhere"],
        ])
    func refused(_ arguments: [String]) throws {
        let outcome = try Program.start(arguments).finish()
        #expect(outcome.code == 2 && !outcome.errors.isEmpty && outcome.output.isEmpty)
    }
}
