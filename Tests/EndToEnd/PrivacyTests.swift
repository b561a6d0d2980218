import FixtureFiles
import Foundation
import Testing

@Suite("shoal privacy")
struct PrivacyTests {
    @Test("account prints epsilon by both accountants")
    func account() throws {
        let outcome = try Program.run(
            "privacy", "account", "--sampling-rate", "0.01", "--noise-multiplier", "0.7", "--steps", "120", "--delta",
            "1e-5", "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let object = try #require(try outcome.objects.first)
        #expect(object.keys.sorted() == ["pld", "rdp"])
        // dp-accounting 0.6
        #expect(abs(try #require(object["rdp"] as? Double) - 3.2392676) < 3e-3)
        #expect(abs(try #require(object["pld"] as? Double) - 2.4612381) < 1e-4)
    }

    @Test("plan finds noise that account agrees with")
    func plan() throws {
        let outcome = try Program.run(
            "privacy", "plan", "--epsilon", "8", "--delta", "1e-5", "--workers", "1000", "--per-round", "100",
            "--rounds", "20", "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let plan = try #require(try outcome.objects.first)
        let noise = try #require(plan["noiseMultiplier"] as? Double)
        let spent = try #require(plan["epsilonSpent"] as? Double)
        #expect(spent <= 8 && spent > 7.9)
        let account = try Program.run(
            "privacy", "account", "--sampling-rate", "0.1", "--noise-multiplier", "\(noise)", "--steps", "20",
            "--delta", "1e-5", "--json")
        #expect(abs(try #require(try account.objects.first?["pld"] as? Double) - spent) < 1e-6)
    }

    /// A run of seconds: half of four workers a round on average.
    private static let privateRun = """
        model: built-in
        data: {path: built-in, partition: worker}
        adapter: {rank: 2, alpha: 4, targets: [q_proj]}
        training: {local-steps: 2, batch-size: 2, sequence-length: 64, optimizer: adamw, learning-rate: 0.003}
        federation: {workers: 4, rounds: 3, workers-per-round: 2, seed: 7, deadline: 10s, aggregation: ffa-lora}
        privacy: {mechanism: central, epsilon: 8, delta: 1e-5, clip: 0.1}
        evaluation: {every: 0}
        """

    @Test("a run's ledger agrees with the plan, and its page says what was promised")
    func run() throws {
        let folder = ScratchFolder()
        let (file, state) = (try folder.write(Self.privateRun, to: "run.yaml"), folder.file("state"))
        let simulated = try Program.run("simulate", "--config", file, "--state", state, "--in-process", "--json")
        try #require(simulated.code == 0, "\(simulated.errors)")
        #expect(simulated.errors.contains("SIMULATION"))
        for round in try simulated.objects where round["event"] as? String == "round" {
            #expect(round["workers"] is NSNull && round["trainLoss"] is NSNull && round["uplinkBytes"] is NSNull)
        }
        let told = try Program.run("run", "privacy", state, "--json")
        let privacy = try #require(try told.objects.first)
        let planned = try Program.run(
            "privacy", "plan", "--epsilon", "8", "--delta", "1e-5", "--workers", "4", "--per-round", "2", "--rounds",
            "3",
            "--json")
        let plan = try #require(try planned.objects.first)
        for (ours, theirs) in [
            ("epsilonSpent", "epsilonSpent"), ("epsilonSpentRenyi", "epsilonSpentRenyi"),
            ("noiseMultiplier", "noiseMultiplier"),
        ] {
            let (spent, expected) = (privacy[ours] as? Double, plan[theirs] as? Double)
            #expect(abs(try #require(spent) - (try #require(expected))) < 1e-6)
        }
        #expect(privacy["steps"] as? Int == 3 && privacy["stepsLeft"] as? Int == 0)
        #expect(privacy["isSimulation"] as? Bool == true)
        let page = try Program.run("run", "privacy", state).output
        for words in ["THIS IS A SIMULATION", "Guarantee", "Who is trusted with what", "audits", "none recorded yet"] {
            #expect(page.contains(words))
        }
        // What was exported or asked for more rounds does not make the budget whole again.
        let more = try Program.run(
            "simulate", "--config", file, "--state", state, "--in-process", "--set", "federation.rounds=5")
        #expect(more.code == 1 && more.errors.contains("would overspend the privacy budget"))
        let after = try #require(try Program.run("run", "privacy", state, "--json").objects.first)
        #expect(after["steps"] as? Int == 3 && after["epsilonSpent"] as? Double == privacy["epsilonSpent"] as? Double)
    }

    @Test("a run without a mechanism says that it promises nothing")
    func nothingPromised() throws {
        let folder = ScratchFolder()
        let text = Self.privateRun.split(separator: "\n").filter { !$0.hasPrefix("privacy:") }.joined(separator: "\n")
        let (file, state) = (try folder.write(text, to: "run.yaml"), folder.file("state"))
        let simulated = try Program.run(
            "simulate", "--config", file, "--state", state, "--in-process", "--set", "federation.rounds=1")
        try #require(simulated.code == 0, "\(simulated.errors)")
        #expect(try Program.run("run", "privacy", state).output.contains("promises no differential privacy"))
        #expect(try Program.run("run", "privacy", state, "--json").objects.first?["mechanism"] as? String == "none")
    }

    @Test("real workers sum their updates under masks, and the run's page says so")
    func masks() throws {
        let folder = ScratchFolder()
        let lines = Self.privateRun.split(separator: "\n").filter {
            !$0.hasPrefix("privacy:") && !$0.hasPrefix("federation:")
        }
        let text =
            lines.joined(separator: "\n") + """

                federation: {workers: 4, rounds: 2, seed: 7, weight-cap: 50}
                privacy: {secure-aggregation: true, mask-clip: 0.05, mask-levels: 10000, mask-corrupt: 0}
                """
        let (file, state) = (try folder.write(text, to: "run.yaml"), folder.file("state"))
        let simulated = try Program.run("simulate", "--config", file, "--state", state, "--json")
        try #require(simulated.code == 0, "\(simulated.errors)")
        let rounds = try simulated.objects.filter { $0["event"] as? String == "round" }
        #expect(rounds.map { $0["workers"] as? Int } == [4, 4])
        #expect(rounds.allSatisfy { $0["trainLoss"] is NSNull })
        let base = try simulated.objects.last?["baseLoss"] as? Double
        let final = try simulated.objects.last?["finalLoss"] as? Double
        #expect(try #require(final) < (try #require(base)))
        // The same run in the clear comes to the same loss, but for rounding and what the clip cut off.
        let clear = text.split(separator: "\n").filter { !$0.hasPrefix("privacy:") }.joined(separator: "\n")
        let open = try Program.run(
            "simulate", "--config", try folder.write(clear, to: "open.yaml"), "--state", folder.file("open"),
            "--in-process", "--json")
        try #require(open.code == 0, "\(open.errors)")
        let loss = try #require(try open.objects.last?["finalLoss"] as? Double)
        #expect(abs(loss - (try #require(final))) < 0.01)
        let page = try Program.run("run", "privacy", state).output
        #expect(page.contains("Sums under masks") && page.contains("sums of at least 3 workers' updates"))
        let masks = try Program.run("run", "privacy", state, "--json").objects.first?["masks"] as? [String: Any]
        #expect(masks?["minimumCohort"] as? Int == 3 && masks?["neighbours"] as? Int == 2)
        // A round that would undo it is refused.
        let robust = try Program.run(
            "simulate", "--config", file, "--in-process", "--set", "federation.robust=[median]")
        #expect(robust.code == 2 && robust.errors.contains("a robust rule compares single ones"))
    }

    @Test(
        "impossible numbers are refused",
        arguments: [
            ["account", "--sampling-rate", "2", "--noise-multiplier", "1", "--steps", "1", "--delta", "1e-5"],
            ["account", "--sampling-rate", "0.1", "--noise-multiplier", "1", "--steps", "0", "--delta", "1e-5"],
            ["plan", "--epsilon", "0", "--delta", "1e-5", "--workers", "10", "--per-round", "1", "--rounds", "1"],
            ["plan", "--epsilon", "1", "--delta", "1e-5", "--workers", "10", "--per-round", "11", "--rounds", "1"],
        ])
    func refused(_ arguments: [String]) throws {
        let outcome = try Program.start(["privacy"] + arguments).finish(limitSeconds: 60)
        #expect(outcome.code == 2)
        #expect(outcome.output.isEmpty && !outcome.errors.isEmpty)
    }
}
