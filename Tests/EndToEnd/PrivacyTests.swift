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

    @Test("an epsilon that no number bounds is null in JSON, and in text infinite")
    func infinite() throws {
        let arguments = [
            "privacy", "account", "--sampling-rate", "1", "--noise-multiplier", "0.05", "--steps", "1000", "--delta",
            "1e-5",
        ]
        let object = try #require(try Program.start(arguments + ["--json"]).finish().objects.first)
        #expect(object["pld"] is NSNull && (object["rdp"] as? Double ?? 0) > 1e5)
        #expect(try Program.start(arguments).finish().output.contains("infinite"))
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

    private static func unwrapped(_ page: String) -> String {
        page.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

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
        let finished = try #require(try simulated.objects.last)
        // All bytes together tell how many updates there were.
        for key in ["uplinkBytes", "downlinkBytes", "denseUplinkBytes"] { #expect(finished[key] is NSNull, "\(key)") }
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
        #expect(!page.contains("any computing power") && page.contains("ChaCha20"))
        #expect(!page.contains("Workers that have spent most"))
        for words in [
            "What this does not protect", "THIS IS A SIMULATION", "Guarantee", "Who is trusted with what", "audits",
            "none recorded yet",
        ] {
            #expect(page.contains(words))
        }
        // What was exported or asked for more rounds does not make the budget whole again.
        let more = try Program.run(
            "simulate", "--config", file, "--state", state, "--in-process", "--set", "federation.rounds=5")
        #expect(more.code == 1 && more.errors.contains("would overspend the privacy budget"))
        let after = try #require(try Program.run("run", "privacy", state, "--json").objects.first)
        #expect(after["steps"] as? Int == 3 && after["epsilonSpent"] as? Double == privacy["epsilonSpent"] as? Double)
    }

    @Test("audits stay in the run's ledger and on its page, and budgets of earlier runs are added up")
    func audited() throws {
        let folder = ScratchFolder()
        let (file, state) = (try folder.write(Self.privateRun, to: "run.yaml"), folder.file("state"))
        func simulate() throws {
            let simulated = try Program.run(
                "simulate", "--config", file, "--state", state, "--in-process", "--set", "federation.rounds=1")
            try #require(simulated.code == 0, "\(simulated.errors)")
        }
        try simulate()
        let members = try folder.write("a hen laid nine eggs\nthe old barn burned down\n", to: "members.txt")
        let others = try folder.write("a ship left the harbour\nrain fell on the town\n", to: "others.txt")
        let audit = try Program.run(
            "audit", "membership", "--model", "built-in", "--adapter", state + "/adapter", "--members", members,
            "--others", others, "--state", state)
        try #require(audit.code == 0, "\(audit.errors)")
        let one = try #require(try Program.run("run", "privacy", state, "--json").objects.first)
        let audits = try #require(one["audits"] as? [[String: Any]])
        #expect(audits.count == 1 && audits.first?["kind"] as? String == "membership")
        let page = try Program.run("run", "privacy", state).output
        #expect(Self.unwrapped(page).contains("0.1 % needs 1,000 non-members"))
        #expect(page.contains("membership: ") && !page.contains("none recorded yet"))
        #expect(!page.contains("All runs of this state directory"))

        try #require(try Program.run("run", "archive", state).code == 0)
        try simulate()
        let two = try #require(try Program.run("run", "privacy", state, "--json").objects.first)
        #expect((two["audits"] as? [[String: Any]])?.isEmpty == true)
        let runs = try #require(two["runs"] as? [String: Any])
        let spent = try #require(one["epsilonSpent"] as? Double) + (try #require(two["epsilonSpent"] as? Double))
        #expect(abs(try #require(runs["epsilonSpent"] as? Double) - spent) < 1e-9 && spent > 0)
        #expect(abs(try #require(runs["delta"] as? Double) - 2e-5) < 1e-12)
        #expect(try Program.run("run", "privacy", state).output.contains("All runs of this state directory"))
    }

    @Test("training with noise on single examples is counted on the worker's side, and its page says so")
    func examples() throws {
        let folder = ScratchFolder()
        let text =
            Self.privateRun.split(separator: "\n").filter { !$0.hasPrefix("privacy:") }.joined(separator: "\n") + """

                privacy: {example-clip: 0.5, example-noise-multiplier: 0.8}
                """
        let (file, state) = (try folder.write(text, to: "run.yaml"), folder.file("state"))
        let simulated = try Program.run("simulate", "--config", file, "--state", state, "--in-process", "--json")
        try #require(simulated.code == 0, "\(simulated.errors)")
        let page = Self.unwrapped(try Program.run("run", "privacy", state).output)
        #expect(page.contains("Noise on single examples") && page.contains("any one block"))
        #expect(!page.contains("any one example") && page.contains("A row has no such bound"))
        let accounts = try FileManager.default.subpathsOfDirectory(atPath: state).filter {
            $0.hasSuffix("/examples.json")
        }
        #expect(!accounts.isEmpty)
        for account in accounts {
            let listed = try Program.run(
                "privacy", "worker", "--state", state + "/" + account.dropLast("/examples.json".count), "--delta",
                "1e-5", "--json")
            let line = try #require(try listed.objects.first)
            let entry = try #require((line["entries"] as? [[String: Any]])?.first)
            let (rate, steps) = (try #require(entry["samplingRate"] as? Double), try #require(entry["steps"] as? Int))
            // Two steps a round, each over two blocks on average.
            #expect(steps.isMultiple(of: 2) && rate > 0 && rate <= 1 && entry["noiseMultiplier"] as? Double == 0.8)
            let counted = try Program.run(
                "privacy", "account", "--sampling-rate", "\(rate)", "--noise-multiplier", "0.8", "--steps",
                "\(steps)", "--delta", "1e-5", "--json")
            let expected = try #require(try counted.objects.first?["pld"] as? Double)
            #expect(abs(try #require(line["epsilon"] as? Double) - expected) < 1e-9)
        }
    }

    @Test("real workers share noise under masks, each pays for its rounds, and the page says what it rests on")
    func distributed() throws {
        let folder = ScratchFolder()
        let lines = Self.privateRun.split(separator: "\n").filter {
            !$0.hasPrefix("privacy:") && !$0.hasPrefix("federation:")
        }
        let text =
            lines.joined(separator: "\n") + """

                federation: {workers: 4, rounds: 2, seed: 7, aggregation: ffa-lora}
                privacy: {mechanism: distributed, epsilon: 8, delta: 1e-5, clip: 0.1, secure-aggregation: true, mask-clip: 0.05}
                """
        let (file, state) = (try folder.write(text, to: "run.yaml"), folder.file("state"))
        let simulated = try Program.run("simulate", "--config", file, "--state", state, "--json")
        try #require(simulated.code == 0, "\(simulated.errors)")
        let line = try #require(try Program.run("run", "privacy", state, "--json").objects.first)
        #expect(line["mechanism"] as? String == "distributed" && line["steps"] as? Int == 2)
        // Four workers, of whom one may collude, and three in a sum at least: two shares make the noise.
        #expect(line["minimumHonest"] as? Int == 2)
        let spent = try #require(line["epsilonSpent"] as? Double)
        #expect(spent <= 8 && spent > 7.9)
        #expect((line["workers"] as? [[String: Any]])?.count == 4)
        let page = try Program.run("run", "privacy", state).output
        #expect(page.contains("under masks") && page.contains("shares that make it whole"))
        #expect(page.contains("Workers that have spent most") && page.contains("What this does not protect"))
        for worker in try #require(line["workers"] as? [[String: Any]]) {
            #expect(page.contains("\n  \(try #require(worker["name"] as? String))"))
        }
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
            ["account", "--sampling-rate", "0.01", "--noise-multiplier", "1", "--steps", "1000", "--delta", "9e-11"],
            ["worker", "--state", "nowhere", "--delta", "1e-12"],
            ["plan", "--epsilon", "0", "--delta", "1e-5", "--workers", "10", "--per-round", "1", "--rounds", "1"],
            ["plan", "--epsilon", "1", "--delta", "1e-5", "--workers", "10", "--per-round", "11", "--rounds", "1"],
        ])
    func refused(_ arguments: [String]) throws {
        let outcome = try Program.start(["privacy"] + arguments).finish(limitSeconds: 60)
        #expect(outcome.code == 2)
        #expect(outcome.output.isEmpty && !outcome.errors.isEmpty)
    }
}
