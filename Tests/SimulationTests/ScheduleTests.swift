import Coordinator
import Federation
import Recipe
import Simulation
import Testing
import Wire
import Worker

@Suite("Over-selection and selection policies over the link")
struct ScheduleTests {
    /// - Parameter paces: Virtual time of a step of workers a, b, c…; a task has ten.
    private func makeConversation(
        rounds: Int, workersPerRound: Int, paces: [Double], deadlineSeconds: Double? = nil, minimumWorkers: Int = 1,
        prepare: (inout RunSettings) -> Void
    ) throws -> Conversation {
        let conversation = try Conversation(
            rounds: rounds, workersPerRound: workersPerRound, minimumConnected: paces.count,
            deadlineSeconds: deadlineSeconds, minimumWorkers: minimumWorkers)
        prepare(&conversation.settings)
        try conversation.startCoordinator()
        let names = paces.indices.map { String(UnicodeScalar(UInt8(ascii: "a") + UInt8($0))) }
        try conversation.allow(names)
        for (index, name) in names.enumerated() {
            try conversation.startWorker(
                name, runner: FakeRunner(items: UInt64(index + 1), slope: 0.5 - Double(index)),
                secondsPerStep: paces[index])
        }
        return conversation
    }

    private func history(_ conversation: Conversation) throws -> [String: WorkerHistory] {
        let history = try conversation.keys.history(before: conversation.settings.rounds + 1)
        return Dictionary(history.map { ($0.key.text, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    /// Batches of 8, 10 steps at most, a virtual second each.
    @Test(
        "A round takes as long as the steps that its worker takes",
        arguments: [
            (items: UInt64(8), passes: 1.0, isHidden: false, steps: 1.0), (25, 1, false, 4), (80, 0.5, false, 5),
            (800, 1, false, 10), (8, 1, true, 10),
        ])
    func passes(_ items: UInt64, _ passes: Double, _ isHidden: Bool, _ steps: Double) throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 1, minimumConnected: 1)
        conversation.settings.training.localEpochs = passes
        conversation.settings.withholdsMetrics = isHidden
        try conversation.startCoordinator()
        try conversation.allow(["a"])
        try conversation.startWorker("a", runner: FakeRunner(items: items, slope: 1), secondsPerStep: 1)
        #expect(conversation.runToEnd())
        let seconds = try #require(conversation.published.first?.seconds)
        #expect((steps..<steps + 0.9).contains(seconds), "\(seconds) s")
    }

    @Test("Training alone takes the steps of all of a worker's rounds together", arguments: [nil, 1.0])
    func alone(_ passes: Double?) {
        var options = TrainingOptions(localSteps: 10, batchSize: 8)
        options.localEpochs = passes
        let steps = [8, 25, 800].map {
            LocalBaseline.steps(options, items: $0, rounds: 6, workersPerRound: 2, workers: 4)
        }
        #expect(steps == (passes == nil ? [30, 30, 30] : [3, 12, 30]))
        #expect(LocalBaseline.steps(options, items: 1, rounds: 1, workersPerRound: 1, workers: 100) == 1)
    }

    @Test func overSelectionClosesWithTheFastestAndCancelsTheRest() throws {
        let conversation = try makeConversation(rounds: 3, workersPerRound: 2, paces: [0.1, 0.1, 5]) {
            $0.workersAsked = 3
        }
        var cancelled: [UInt32] = []
        conversation.link.watch = { envelope, _ in
            if case .cancel = envelope.message { cancelled.append(envelope.round) }
        }
        #expect(conversation.runToEnd())
        #expect(conversation.accepted.mapValues { $0.sorted() } == [1: ["a", "b"], 2: ["a", "b"], 3: ["a", "b"]])
        #expect(cancelled == [1, 2, 3])
        #expect(conversation.workers["c"]?.runner.started.isEmpty == true)
        #expect(conversation.link.now.seconds(since: Instant(nanoseconds: 0)) < 50)
        #expect(conversation.matchesClosedForm())
        // Being overtaken is no failure.
        #expect(try history(conversation)["c"] == nil)
    }

    @Test func whoMissesTheDeadlineHasFailedAndIsAskedLess() throws {
        let conversation = try makeConversation(
            rounds: 24, workersPerRound: 2, paces: [0.1, 0.1, 0.1, 5], deadlineSeconds: 3
        ) { $0.selection = .availability }
        #expect(conversation.runToEnd())
        let history = try history(conversation)
        let slow = try #require(history["d"])
        #expect(slow.completed == 0 && slow.failed >= 1)
        // Evenly drawn it would be asked 12 times; as its record grows worse, 1/2, 1/3, 1/4 as often as the others.
        #expect(slow.failed <= 8)
        #expect(["a", "b", "c"].allSatisfy { history[$0]?.failed == 0 && (history[$0]?.completed ?? 0) >= 8 })
    }

    @Test func fairnessGivesEverybodyTheSameNumberOfRounds() throws {
        let conversation = try makeConversation(
            rounds: 10, workersPerRound: 2, paces: [0.1, 0.1, 0.1, 0.1, 0.1]
        ) { $0.selection = .fair }
        #expect(conversation.runToEnd())
        #expect(try history(conversation).values.map(\.completed) == [4, 4, 4, 4, 4])
    }

    @Test(
        "a restarted coordinator selects whom the other would have", arguments: SelectionPolicy.allCases, [7, 20, 33])
    func restart(_ policy: SelectionPolicy, messages: Int) throws {
        func run(killedAfter limit: Int?) throws -> ([Int: [String]], [Float]?) {
            let conversation = try makeConversation(
                rounds: 6, workersPerRound: 2, paces: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
            ) { $0.selection = policy }
            if let limit {
                var count = 0
                conversation.link.watch = { _, isUp in count += isUp ? 1 : 0 }
                #expect(conversation.link.run(limitSeconds: 1_000) { count >= limit })
                conversation.killCoordinator()
                _ = conversation.link.run(limitSeconds: 5) { false }
                try conversation.startCoordinator()
            }
            #expect(conversation.runToEnd())
            let workers = try (1...6).map { try conversation.keys.updates(round: $0, attempt: 1).map(\.worker.text) }
            let rounds = Dictionary(uniqueKeysWithValues: zip(1...6, workers))
            return (rounds, conversation.service?.currentAdapter.values)
        }
        let (expected, values) = try run(killedAfter: nil)
        let (rounds, resumed) = try run(killedAfter: messages)
        #expect(rounds == expected)
        #expect(values == resumed && values != nil)
    }

    @Test func slowWorkersAreDrawnOnceForASeed() {
        let names = (0..<40).compactMap { WorkerName("w\($0)") }
        let slow = SlowWorkers(names, share: 1.0 / 3, factor: 10, seed: 1)
        #expect(names.count { slow.factor(of: $0) == 10 } == 13 && slow.count == 13)
        #expect(names.allSatisfy { [1, 10].contains(slow.factor(of: $0)) })
        let again = SlowWorkers(names.reversed(), share: 1.0 / 3, factor: 10, seed: 1)
        #expect(names.allSatisfy { again.factor(of: $0) == slow.factor(of: $0) })
        let other = SlowWorkers(names, share: 1.0 / 3, factor: 10, seed: 2)
        #expect(names.contains { other.factor(of: $0) != slow.factor(of: $0) })
    }
}
