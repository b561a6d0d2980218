import Coordinator
import Federation
import Foundation
import GRDB
import ModelFiles
import Simulation
import Testing
import Wire
import Worker

@Suite("A run under central privacy")
struct PrivateRunTests {
    /// So little noise that a closed form shows through: 0.05 · clip / qN a value.
    static func options(
        rounds: Int, workers: Int, expected: Int, epsilon: Double = 1e6, noise: Double? = 0.05, clip: Double = 0.5
    ) -> PrivacyOptions {
        PrivacyOptions(
            mechanism: .central, epsilon: epsilon, delta: 1e-5, noiseMultiplier: noise, clip: clip, workers: workers,
            expectedWorkers: expected, plannedRounds: rounds)
    }

    static func conversation(
        rounds: Int, names: [String], expected: Int, _ privacy: PrivacyOptions, seed: UInt64 = 7
    ) throws -> Conversation {
        let conversation = try Conversation(
            rounds: rounds, workersPerRound: expected, minimumConnected: names.count, seed: seed, deadlineSeconds: 30)
        conversation.settings.privacy = privacy
        conversation.settings.hasSeededPrivacy = true
        conversation.settings.withholdsMetrics = true
        try conversation.startCoordinator()
        try conversation.allow(names)
        for (index, name) in names.enumerated() {
            try conversation.startWorker(
                name, runner: FakeRunner(items: UInt64(10 * index + 1), slope: Double(index) - 1.3))
        }
        return conversation
    }

    private func taking(_ conversation: Conversation, round: Int) throws -> [String] {
        try conversation.keys.updates(round: round, attempt: 1).map(\.worker.text)
    }

    /// What a round adds: the clipped shifts of those who took part, all alike, over the fixed divisor.
    private func expectedStep(_ conversation: Conversation, _ names: [String], clip: Double, divisor: Int) -> [Double] {
        names.reduce(into: [Double](repeating: 0, count: conversation.layout.parameterCount)) { sum, name in
            guard let runner = conversation.workers[name]?.runner else { return }
            let shift = sum.indices.map { runner.shift($0) }
            let norm = shift.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for index in sum.indices { sum[index] += shift[index] * min(1, clip / norm) / Double(divisor) }
        }
    }

    @Test("publishes the clipped sum over the fixed divisor with noise, whoever took part")
    func publishes() throws {
        let names = ["a", "b", "c", "d", "e", "f"]
        let conversation = try Self.conversation(
            rounds: 6, names: names, expected: 3, Self.options(rounds: 6, workers: 6, expected: 3))
        var losses: Set<Float?> = []
        var items: Set<UInt64> = []
        var told = 0
        conversation.link.watch = { envelope, _ in
            switch envelope.message {
            case .updateCommit(let commit):
                losses.insert(commit.trainLoss)
                items.formUnion([commit.trainingItems, (commit.tokensTrained ?? 0) + 1])
            case .updateWhole(let commit):
                losses.insert(commit.trainLoss)
                items.formUnion([commit.trainingItems, (commit.tokensTrained ?? 0) + 1])
            case .heartbeat(let heartbeat): told += heartbeat.loss == nil ? 0 : 1
            default: break
            }
        }
        #expect(conversation.runToEnd())
        var expected = conversation.firstAdapter.map(Double.init)
        var sizes: Set<Int> = []
        for round in 1...6 {
            let taking = try taking(conversation, round: round)
            sizes.insert(taking.count)
            let step = expectedStep(conversation, taking, clip: 0.5, divisor: 3)
            for index in expected.indices { expected[index] += step[index] }
        }
        #expect(sizes.count > 1, "coins give different numbers of workers: \(sizes)")
        let values = try #require(conversation.service?.currentAdapter.values)
        let errors = zip(values, expected).map { Double($0) - $1 }
        // Six rounds of deviation 0.05 · 0.5 / 3 each.
        let deviation = 0.05 * 0.5 / 3 * 6.0.squareRoot()
        #expect(errors.allSatisfy { abs($0) < 5 * deviation })
        #expect(errors.contains { abs($0) > deviation / 5 })
        // Nothing but updates left the workers.
        #expect(losses == [nil] && items == [1] && told == 0)
    }

    @Test("a round in which nobody takes part is published like any other")
    func empty() throws {
        let conversation = try Self.conversation(
            rounds: 2, names: ["a", "b"], expected: 1, Self.options(rounds: 2, workers: 200, expected: 1))
        #expect(conversation.runToEnd())
        #expect(try taking(conversation, round: 1).isEmpty && taking(conversation, round: 2).isEmpty)
        let values = try #require(conversation.service?.currentAdapter.values)
        let noise = zip(values, conversation.firstAdapter).map { abs($0 - $1) }
        #expect(noise.contains { $0 > 0.001 } && noise.allSatisfy { $0 < 0.2 })
        #expect(try conversation.keys.privacyEntries().map(\.isReleased) == [true, true])
        #expect(conversation.published.map(\.round) == [1, 2])
    }

    @Test("says nothing of who took part, or how many")
    func secrecy() throws {
        let names = ["a", "b", "c", "d"]
        let conversation = try Self.conversation(
            rounds: 3, names: names, expected: 2, Self.options(rounds: 3, workers: 4, expected: 2))
        #expect(conversation.link.run(limitSeconds: 1_000) { conversation.service?.currentAdapter.version == 2 })
        let overview = try RunOverview(state: conversation.root + "/state", ledger: conversation.keys)
        #expect(overview.hidesParticipation && overview.late.isEmpty && overview.lateCount == 0)
        #expect(overview.waitingFor.map { text in !names.contains { text.contains(" \($0) ") } } ?? true)
        #expect(conversation.runToEnd())
        for event in conversation.events {
            switch event {
            case .progress, .updateAccepted, .workerDeclined, .evaluationDeclined: Issue.record("\(event)")
            case .roundStarted(_, let workers): #expect(workers.isEmpty)
            case .roundPublished(let summary): #expect(summary.workers == nil && summary.trainLoss == nil)
            default: break
            }
        }
        for record in try conversation.keys.records() { #expect(record.body.contains("\"updates\":[]")) }
        let audit = try RecordAudit(ledger: conversation.keys, state: conversation.root + "/state")
        #expect(audit.finding == nil && audit.records == 3)
    }
}

@Suite("A private run's budget")
struct PrivateBudgetTests {
    private func entries(_ conversation: Conversation) throws -> [PrivacyEntry] {
        try conversation.keys.privacyEntries()
    }

    @Test("a round that would overspend is not published: the run pauses, says why, and stays so")
    func refusal() throws {
        let names = ["a", "b", "c"]
        // Noise for two rounds, and four are asked for.
        let noise = try NoiseCalibration.noiseMultiplier(epsilon: 8, delta: 1e-5, samplingRate: 2.0 / 3, rounds: 2)
        let conversation = try PrivateRunTests.conversation(
            rounds: 4, names: names, expected: 2,
            PrivateRunTests.options(rounds: 4, workers: 3, expected: 2, epsilon: 8, noise: noise))
        func isPaused() -> Bool { (try? conversation.keys.control().request) == .pause }
        #expect(conversation.link.run(limitSeconds: 10_000, until: isPaused))
        let cause = try #require(try conversation.keys.control().cause)
        #expect(cause.hasPrefix("round 3 would overspend the privacy budget: epsilon 7."))
        #expect(cause.contains("shoal run stop"))
        #expect(conversation.service?.currentAdapter.version == 2)
        let spent = try entries(conversation)
        #expect(spent.map(\.round) == [1, 2] && spent.allSatisfy(\.isReleased))
        // Nobody was asked to train for nothing.
        #expect(try conversation.keys.updates(round: 3, attempt: 1).isEmpty)
        let report = try #require(try PrivacyReport(ledger: conversation.keys))
        let plan = try PrivacyPlan(epsilon: 8, delta: 1e-5, workers: 3, perRound: 2, rounds: 2, parameters: 14)
        #expect(abs(report.epsilonSpent - plan.epsilonSpent) < 1e-6)
        #expect(report.steps == 2 && report.stepsLeft == 0 && report.unreleased == 0)

        // Neither a restart nor its owner's wish changes that.
        conversation.killCoordinator()
        try conversation.startCoordinator()
        _ = conversation.link.run(limitSeconds: 200) { false }
        #expect(conversation.service?.currentAdapter.version == 2)
        try conversation.keys.ask(for: .run)
        _ = conversation.link.run(limitSeconds: 200) { false }
        #expect(isPaused() && conversation.service?.currentAdapter.version == 2)
        #expect(try entries(conversation) == spent)
    }

    /// Stops the run after its entry for round 2 and before that round is out, as a crash would: the ledger refuses
    /// the publication.
    private func crashed(_ names: [String], slow: String? = nil) throws -> Conversation {
        let conversation = try PrivateRunTests.conversation(
            rounds: 3, names: names, expected: names.count,
            PrivateRunTests.options(rounds: 3, workers: names.count, expected: names.count))
        #expect(conversation.link.run(limitSeconds: 1_000) { conversation.service?.currentAdapter.version == 1 })
        if let slow { conversation.workers[slow]?.runner.isHeld = true }
        let database = try DatabaseQueue(path: conversation.root + "/state/ledger.sqlite")
        try database.write { database in
            try database.execute(
                sql: """
                    CREATE TRIGGER refused BEFORE INSERT ON adapter WHEN NEW.version = 2
                    BEGIN SELECT RAISE(ABORT, 'refused'); END
                    """)
        }
        #expect(conversation.runToEnd())
        guard case .failed = conversation.service?.outcome else {
            Issue.record("\(String(describing: conversation.service?.outcome))")
            return conversation
        }
        #expect(try entries(conversation).map(\.round) == [1, 2])
        #expect(try entries(conversation).map(\.isReleased) == [true, false])
        #expect(try conversation.keys.adapter(version: 2) == nil)
        conversation.killCoordinator()
        try database.write { try $0.execute(sql: "DROP TRIGGER refused") }
        return conversation
    }

    @Test("a crash between the entry and the release: the same updates get the same noise, paid for once")
    func sameNoise() throws {
        let names = ["a", "b", "c"]
        let conversation = try crashed(names)
        try conversation.startCoordinator()
        #expect(conversation.runToEnd())
        #expect(try entries(conversation).map(\.round) == [1, 2, 3])
        #expect(try entries(conversation).allSatisfy(\.isReleased))
        let undisturbed = try PrivateRunTests.conversation(
            rounds: 3, names: names, expected: 3, PrivateRunTests.options(rounds: 3, workers: 3, expected: 3))
        #expect(undisturbed.runToEnd())
        #expect(conversation.service?.currentAdapter.values == undisturbed.service?.currentAdapter.values)
    }

    @Test("a crash between the entry and the release: other updates get other noise, and both are paid for")
    func otherNoise() throws {
        let conversation = try crashed(["a", "b", "c"], slow: "c")
        #expect(try conversation.keys.updates(round: 2, attempt: 1).map(\.worker.text) == ["a", "b"])
        try conversation.startCoordinator()
        conversation.workers["c"]?.runner.release()
        #expect(conversation.runToEnd())
        #expect(try conversation.keys.updates(round: 2, attempt: 1).map(\.worker.text) == ["a", "b", "c"])
        let spent = try entries(conversation)
        #expect(spent.map(\.round) == [1, 2, 2, 3])
        #expect(Set(spent.compactMap(\.content)).count == 4)
        let report = try #require(try PrivacyReport(ledger: conversation.keys))
        #expect(report.steps == 4 && report.publishedRounds == 3)
    }

    @Test("a run that began with its seed's coins and noise goes on in no real coordinator")
    func simulatedRun() throws {
        let conversation = try Conversation(rounds: 2, workersPerRound: 1, minimumConnected: 1, deadlineSeconds: 30)
        conversation.settings.privacy = PrivateRunTests.options(rounds: 2, workers: 1, expected: 1)
        conversation.settings.hasSeededPrivacy = true
        try conversation.startCoordinator()
        conversation.killCoordinator()
        conversation.settings.hasSeededPrivacy = false
        #expect(throws: LedgerError.simulatedPrivacy) { try conversation.startCoordinator() }
        conversation.settings.hasSeededPrivacy = true
        try conversation.startCoordinator()
    }

    @Test("production noise comes from the system: two runs of one seed differ")
    func systemNoise() throws {
        let runs = try (0..<2).map { _ in
            let conversation = try Conversation(
                rounds: 1, workersPerRound: 1, minimumConnected: 1, deadlineSeconds: 30)
            conversation.settings.privacy = PrivateRunTests.options(rounds: 1, workers: 1, expected: 1)
            try conversation.startCoordinator()
            try conversation.allow(["a"])
            try conversation.startWorker("a", runner: FakeRunner(items: 1, slope: 1))
            #expect(conversation.runToEnd())
            #expect(try conversation.keys.privacyTerms()?.isSeeded == false)
            return try #require(conversation.service?.currentAdapter.values)
        }
        #expect(runs[0] != runs[1])
    }
}
