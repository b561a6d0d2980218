import Coordinator
import Federation
import Recipe
import Simulation
import Testing
import Wire
import Worker

@Suite("Who is late")
struct LateWorkerTests {
    /// Workers of which each takes as long as it says for a task. Unit: seconds.
    private func makeConversation(
        _ workers: KeyValuePairs<String, Double>, rounds: Int = 2, deadlineSeconds: Double? = nil, minimum: Int = 1,
        adjust: (inout RunSettings) -> Void = { _ in }
    ) throws -> Conversation {
        let conversation = try Conversation(
            rounds: rounds, workersPerRound: workers.count, minimumConnected: workers.count,
            deadlineSeconds: deadlineSeconds, minimumWorkers: minimum)
        adjust(&conversation.settings)
        try conversation.startCoordinator()
        try conversation.allow(workers.map(\.key))
        let steps = Double(conversation.settings.training.localSteps)
        for (name, seconds) in workers {
            try conversation.startWorker(name, runner: FakeRunner(items: 1, slope: 1), secondsPerStep: seconds / steps)
        }
        return conversation
    }

    private func late(_ conversation: Conversation, after seconds: Double) throws -> [String] {
        _ = conversation.link.run(limitSeconds: seconds) { false }
        let overview = try RunOverview(state: conversation.root + "/state", ledger: conversation.keys)
        #expect(overview.lateCount == overview.late.count)
        return overview.late.map { "\($0.worker) \($0.reason)" }
    }

    private func version(_ conversation: Conversation) -> Int? { conversation.service?.currentAdapter.version }

    @Test func nobodyIsInALongRoundInWhichAllTrain() throws {
        let conversation = try makeConversation(["a": 600, "b": 700, "c": 900])
        // Before anybody has answered, when most have, and in the next round before its time.
        for _ in 0..<16 { #expect(try late(conversation, after: 100).isEmpty) }
        #expect(version(conversation) == 1)
        #expect(conversation.runToEnd())
    }

    @Test func whoStillTrainsAfterTwiceTheUsualTimeIs() throws {
        let conversation = try makeConversation(["a": 600, "b": 700, "c": 900])
        #expect(conversation.link.run(limitSeconds: 1_000) { version(conversation) == 1 })
        let runner = try #require(conversation.workers["c"]?.runner)
        runner.isHeld = true
        // The median of 600, 700 and 900 s is 700 s, and with round 2's first two it stays so.
        #expect(try late(conversation, after: 1_380).isEmpty)
        #expect(
            try late(conversation, after: 50) == [
                "c is training, step 1 of 2, for twice as long as updates usually take"
            ])
        runner.release()
        #expect(conversation.runToEnd())
    }

    @Test func inQuickRoundsNobodyIsBeforeALeaseIsOver() throws {
        let conversation = try makeConversation(["a": 0, "b": 0, "c": 0], rounds: 100) { $0.leaseSeconds = 60 }
        let runner = try #require(conversation.workers["c"]?.runner)
        #expect(conversation.link.run(limitSeconds: 1_000) { version(conversation) == 1 })
        runner.isHeld = true
        #expect(try late(conversation, after: 55).isEmpty)
        #expect(try late(conversation, after: 10).map { $0.prefix(13) } == ["c is training"])
        runner.release()
        #expect(conversation.runToEnd())
    }

    @Test func aRestartedCoordinatorKnowsTheUsualTime() throws {
        let conversation = try makeConversation(["a": 100, "b": 100, "c": 100])
        #expect(conversation.link.run(limitSeconds: 1_000) { version(conversation) == 1 })
        let runner = try #require(conversation.workers["c"]?.runner)
        runner.isHeld = true
        conversation.killCoordinator()
        try conversation.startCoordinator()
        #expect(try late(conversation, after: 190).isEmpty)
        #expect(try late(conversation, after: 60).map { $0.prefix(13) } == ["c is training"])
        runner.release()
        #expect(conversation.runToEnd())
    }

    @Test func aPauseMakesNobodyLate() throws {
        let conversation = try makeConversation(["a": 100, "b": 100, "c": 100])
        #expect(conversation.link.run(limitSeconds: 1_000) { version(conversation) == 1 })
        let runner = try #require(conversation.workers["c"]?.runner)
        runner.isHeld = true
        #expect(conversation.link.run(limitSeconds: 300) { runner.isHolding })
        #expect(try conversation.keys.ask(for: .pause))
        #expect(conversation.link.run(limitSeconds: 10) { !runner.cancelled.isEmpty })
        runner.release()
        #expect(try late(conversation, after: 10_000).isEmpty)
        #expect(try conversation.keys.ask(for: .run))
        #expect(try late(conversation, after: 90).isEmpty)
        #expect(conversation.runToEnd())
    }

    @Test func everybodyIsOncePastTheDeadline() throws {
        let conversation = try makeConversation(
            ["a": 10, "b": 500, "c": 500], rounds: 1, deadlineSeconds: 300, minimum: 2)
        #expect(try late(conversation, after: 15).isEmpty)
        let pastDeadline = try late(conversation, after: 300)
        #expect(pastDeadline.map { $0.prefix(1) } == ["b", "c"])
        #expect(pastDeadline.allSatisfy { $0.hasSuffix("past the round's deadline") })
        #expect(conversation.runToEnd())
    }

    @Test func aDeclineCountsWhileNobodyTakesThePlace() throws {
        let conversation = try makeConversation(["a": 100, "b": 1], rounds: 1)
        try #require(conversation.workers["b"]?.runner).refusal = "not today"
        #expect(try late(conversation, after: 10) == ["b declined: not today"])
        try conversation.allow(["c"])
        try conversation.startWorker("c", runner: FakeRunner(items: 1, slope: 1), secondsPerStep: 1)
        #expect(try late(conversation, after: 5).isEmpty)
        #expect(conversation.runToEnd())
    }

    @Test func inAnAsynchronousRunItIsWhoTakesTwiceTheUsualTime() throws {
        let conversation = try makeConversation(["a": 30, "b": 40, "c": 50, "d": 60], rounds: 200) {
            $0.buffering = BufferOptions(size: 2, stalenessExponent: 0.5, maximumStaleness: 20, concurrency: 4)
        }
        for _ in 0..<20 { #expect(try late(conversation, after: 20).isEmpty) }
        let runner = try #require(conversation.workers["d"]?.runner)
        runner.isHeld = true
        #expect(conversation.link.run(limitSeconds: 100) { runner.isHolding })
        // The median lies between 30 and 50 s, and d was asked 60 s ago.
        #expect(try late(conversation, after: 60).map { $0.prefix(13) } == ["d is training"])
        runner.release()
        #expect(try late(conversation, after: 5).isEmpty)
        conversation.killCoordinator()
    }

    @Test func whoEvaluatesForLongerThanTheOthersIs() throws {
        let conversation = try makeConversation(["a": 1, "b": 1, "c": 1], rounds: 1) {
            $0.evaluationSource = .workers
            $0.leaseSeconds = 30
        }
        let runner = try #require(conversation.workers["c"]?.runner)
        runner.isHeld = true
        #expect(try late(conversation, after: 25).isEmpty)
        #expect(try late(conversation, after: 10) == ["c is evaluating, for twice as long as others took"])
        runner.release()
        #expect(conversation.runToEnd())
    }
}
