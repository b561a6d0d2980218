import FixtureFiles
import Foundation
import Testing

/// `shoal run report` and `shoal run track` after short runs, as a person runs them.
@Suite("Reports and tracking of a run")
struct ReportTests {
    private let folder = ScratchFolder()

    @discardableResult
    private func simulate(_ settings: String...) throws -> Program.Outcome {
        var lines = ""
        for row in 0..<200 {
            let split = row < 160 ? "train" : "test"
            lines +=
                "{\"text\": \"Row \(row) of worker \(row % 4) is near row \(row * 7 % 90).\", \"worker\": \"name-\(row % 4)\", "
                + "\"split\": \"\(split)\"}\n"
        }
        let data = try folder.write(lines, to: "data.jsonl")
        let run = try folder.write(
            """
            model: built-in
            data: {path: \(data), partition: worker}
            adapter: {rank: 2, alpha: 4, targets: [q_proj, v_proj]}
            training: {local-steps: 2, batch-size: 2, sequence-length: 32, learning-rate: 0.01}
            federation: {workers: 4, rounds: 3, seed: 5}
            evaluation: {every: 1}
            """, to: "run.yaml")
        var arguments = ["simulate", "--config", run, "--in-process", "--state", folder.file("run"), "--json"]
        for setting in settings { arguments += ["--set", setting] }
        let outcome = try Program.start(arguments).finish()
        #expect(outcome.code == 0, "\(outcome.errors)")
        return outcome
    }

    private func report(_ arguments: String...) throws -> (html: String, markdown: String) {
        let outcome = try Program.start(
            ["run", "report"] + arguments + ["--out", folder.file("r.html")]
        ).finish()
        #expect(outcome.code == 0, "\(outcome.errors)")
        return (folder.text("r.html"), folder.text("r.md"))
    }

    @Test("a report tells the losses and bytes that the run printed")
    func plain() throws {
        let rounds = try simulate().objects.filter { $0["event"] as? String == "round" }
        try #require(rounds.count == 3)
        let (html, markdown) = try report(folder.file("run"))
        for round in rounds {
            let loss = try #require(round["loss"] as? Double)
            #expect(html.contains(String(format: "%.4f", loss)))
            #expect(markdown.contains("| \(try #require(round["round"] as? Int)) | 4 | "))
            #expect(markdown.contains(String(format: "%.4f", try #require(round["trainLoss"] as? Double))))
        }
        #expect(html.contains("name-3"))

        let id = try #require(html.firstMatch(of: /Run ([0-9a-f]{16})/)).1
        #expect(try Program.run("run", "archive", folder.file("run")).code == 0)
        #expect(try report(folder.file("run"), String(id)).html.contains("name-3"))
    }

    @Test("where workers evaluate, a report tells the losses that shoal evaluate finds on each one's text")
    func workersEvaluate() throws {
        try simulate("evaluation.source=workers")
        let (html, markdown) = try report(folder.file("run"))
        #expect(html.contains("Held-out loss of each worker") && markdown.contains("Worst tenth"))
        let rows = folder.text("data.jsonl").split(separator: "\n")
        var losses: [Double] = []
        for worker in 0..<4 {
            let own = try folder.write(
                rows.filter { $0.contains("\"name-\(worker)\"") }.joined(separator: "\n") + "\n", to: "own.jsonl")
            let outcome = try Program.run(
                "evaluate", "--model", "built-in", "--adapter", folder.file("run/adapter"), "--data", own, "--split",
                "test", "--sequence-length", "32", "--json")
            losses.append(try #require(try outcome.objects.first?["loss"] as? Double, "\(outcome.errors)"))
        }
        for loss in losses { #expect(html.contains(String(format: "%.4f", loss)), "\(loss)") }
        let lines = folder.file("m.jsonl")
        #expect(try Program.run("run", "track", folder.file("run"), "--jsonl", lines).code == 0)
        let last = try #require(folder.text("m.jsonl").split(separator: "\n").last)
        let worst = try #require(
            (try JSONSerialization.jsonObject(with: Data(last.utf8)) as? [String: Any])?["loss/held-out-worst-decile"]
                as? Double)
        #expect(abs(worst - (losses.max() ?? 0)) < 1e-5)
    }

    @Test("a report of a run whose participation is secret names nobody")
    func secret() throws {
        try simulate(
            "privacy.mechanism=central", "privacy.epsilon=50", "privacy.delta=1e-3", "privacy.clip=0.5",
            "federation.workers-per-round=2", "federation.minimum-workers=1", "federation.deadline=1s",
            "federation.aggregation=ffa-lora")
        let (html, markdown) = try report(folder.file("run"))
        #expect(!html.contains("name-") && !markdown.contains("name-"))
        #expect(html.contains("is secret"))
        #expect(html.contains("Privacy budget spent"))
        let lines = folder.file("m.jsonl")
        #expect(try Program.run("run", "track", folder.file("run"), "--jsonl", lines).code == 0)
        for word in ["name-", "bytes/", "round/updates", "round/tokens", "loss/training"] {
            #expect(!folder.text("m.jsonl").contains(word), "\(word)")
        }
    }

    @Test("tokens that workers withhold are nowhere told as 0")
    func withheldTokens() throws {
        let finished = try #require(try simulate("privacy.metrics=withheld").objects.last)
        #expect(finished["tokensTrained"] is NSNull)
        let run = folder.file("run")
        let shown = try #require(try Program.run("run", "show", run, "--json").objects.last)
        #expect(shown["tokensTrained"] is NSNull && shown["updates"] as? Int == 12)
        #expect(try Program.run("run", "track", run, "--jsonl", folder.file("m.jsonl")).code == 0)
        #expect(folder.text("m.jsonl").contains("round/updates") && !folder.text("m.jsonl").contains("round/tokens"))
        let (html, markdown) = try report(run)
        // A column that nobody told anything for is not there.
        #expect(html.contains("name-3") && !markdown.contains("Tokens"))
        #expect(try Program.run("run", "export", run, "--out", folder.file("peft")).code == 0)
        #expect(folder.text("peft/README.md").contains("| tokens trained on | withheld |"))
        let gguf = folder.file("adapter.gguf")
        #expect(try Program.run("run", "export", run, "--format", "gguf", "--out", gguf).code == 0)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: gguf))
        #expect(bytes.range(of: Data("shoal.updates".utf8)) != nil)
        #expect(bytes.range(of: Data("shoal.tokens_trained".utf8)) == nil)
    }

    @Test("tracking writes every round's values, and says what is missing")
    func tracking() throws {
        try simulate()
        let outcome = try Program.run(
            "run", "track", folder.file("run"), "--tensorboard", folder.file("logs"), "--mlflow", folder.file("mlruns"),
            "--jsonl", folder.file("m.jsonl"), "--follow")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let lines = try folder.text("m.jsonl").split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
        #expect(lines.dropFirst().map { $0["step"] as? Int } == [0, 1, 2, 3])
        // Whether this machine counts its energy, the report knows, too.
        let html = try report(folder.file("run")).html
        let energy =
            html.contains("estimated in whole or in part")
            ? ["energy/joules-estimated"] : html.contains("of the workers, measured") ? ["energy/joules"] : []
        for line in lines.dropFirst(2) { #expect(line.keys.filter { $0.hasPrefix("energy/") } == energy) }
        let settings = try #require(lines.first?["settings"] as? [String: String])
        #expect(settings["federation.rounds"] == "3" && settings["data.path"] == nil)
        let run = try #require(lines.first?["run"] as? String)
        let events = try FileManager.default.contentsOfDirectory(atPath: folder.file("logs/" + run))
        #expect(events.count == 1 && events[0].hasPrefix("events.out.tfevents."))
        let refused = try Program.run("run", "track", folder.file("run"))
        #expect(refused.code == 2 && refused.errors.contains("--tensorboard"))
    }
}
