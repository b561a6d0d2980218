import Coordinator
import Federation
import Foundation
import ModelFiles
import Simulation
import Testing
import Wire
import Worker

@Suite("Pausing, resuming and stopping a run")
struct ControlTests {
    private func start(_ names: [String], in conversation: Conversation) throws {
        try conversation.allow(names)
        for (index, name) in names.enumerated() {
            try conversation.startWorker(name, runner: FakeRunner(items: UInt64(index + 1), slope: Double(index) - 0.5))
        }
    }

    private func kinds(_ conversation: Conversation, _ work: () -> Void) -> [String] {
        var kinds: [String] = []
        conversation.link.watch = { envelope, _ in kinds.append(envelope.message.kind) }
        work()
        conversation.link.watch = { _, _ in }
        return kinds
    }

    private func undisturbed() throws -> [Float] {
        let conversation = try Conversation(rounds: 3, workersPerRound: 2, minimumConnected: 2)
        try conversation.startCoordinator()
        try start(["a", "b"], in: conversation)
        #expect(conversation.runToEnd())
        return try #require(conversation.service?.currentAdapter.values)
    }

    @Test func aPausedRunOffersNothingAndGoesOnWithTheSameRoundWhenResumed() throws {
        let conversation = try Conversation(rounds: 3, workersPerRound: 2, minimumConnected: 2)
        try conversation.startCoordinator()
        try start(["a", "b"], in: conversation)
        let slow = try #require(conversation.workers["b"]?.runner)
        slow.isHeld = true
        // One update of round 1 is in the ledger, the other worker is training.
        #expect(
            conversation.link.run(limitSeconds: 100) {
                (try? conversation.keys.updates(round: 1, attempt: 1).count) == 1 && slow.started.count == 1
            })
        #expect(try conversation.keys.ask(for: .pause))
        #expect(try !conversation.keys.ask(for: .pause))
        #expect(conversation.link.run(limitSeconds: 2) { !slow.cancelled.isEmpty })
        slow.release()
        let during = kinds(conversation) { _ = conversation.link.run(limitSeconds: 60) { false } }
        #expect(during.contains("Heartbeat") && !during.contains("Offer") && !during.contains("UpdateBegin"))
        #expect(try conversation.keys.updates(round: 1, attempt: 1).map(\.worker.text) == ["a"])
        #expect(conversation.service?.currentAdapter.version == 0 && !conversation.isOver)
        #expect(try conversation.keys.ask(for: .run))
        #expect(conversation.runToEnd())
        #expect(conversation.service?.currentAdapter.values == (try undisturbed()))
        #expect(try conversation.keys.events(last: 9).map(\.kind) == [.paused, .resumed, .finished])
    }

    @Test func aPauseOutlivesTheCoordinator() throws {
        let conversation = try Conversation(rounds: 3, workersPerRound: 2, minimumConnected: 2)
        try conversation.startCoordinator()
        try start(["a", "b"], in: conversation)
        #expect(conversation.link.run(limitSeconds: 100) { conversation.service?.currentAdapter.version == 1 })
        conversation.killCoordinator()
        try conversation.keys.ask(for: .pause)
        try conversation.startCoordinator()
        let during = kinds(conversation) { _ = conversation.link.run(limitSeconds: 60) { false } }
        #expect(during.contains("Welcome") && !during.contains("Offer"))
        try conversation.keys.ask(for: .run)
        #expect(conversation.runToEnd())
        #expect(conversation.service?.currentAdapter.values == (try undisturbed()))
    }

    @Test func aPauseInterruptsAnEvaluationByWorkersWhichIsDoneAgain() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 3, minimumConnected: 3)
        conversation.settings.evaluationSource = .workers
        try conversation.startCoordinator()
        try conversation.allow(["a", "b", "c"])
        let runners = ["a", "b", "c"].map { _ in FakeRunner(items: 2, slope: 1.5) }
        for (name, runner) in zip(["a", "b", "c"], runners) {
            runner.isHeld = true
            try conversation.startWorker(name, runner: runner)
        }
        #expect(conversation.link.run(limitSeconds: 100) { runners.allSatisfy { $0.started.count == 1 } })
        try conversation.keys.ask(for: .pause)
        #expect(conversation.link.run(limitSeconds: 2) { runners.allSatisfy { $0.cancelled.count == 1 } })
        for runner in runners { runner.release() }
        _ = conversation.link.run(limitSeconds: 10) { false }
        #expect(try conversation.keys.evaluations().isEmpty)
        try conversation.keys.ask(for: .run)
        #expect(conversation.runToEnd())
        #expect(try conversation.keys.evaluations()[0]?.loss == 1.5)
    }

    @Test func aStoppedRunEndsForGoodWithItsStateAndItsWorkersLeave() throws {
        let conversation = try Conversation(rounds: 50, workersPerRound: 2, minimumConnected: 2)
        try conversation.startCoordinator()
        try start(["a", "b"], in: conversation)
        #expect(conversation.link.run(limitSeconds: 100) { conversation.service?.currentAdapter.version == 1 })
        for member in conversation.workers.values { member.runner.isHeld = true }
        try conversation.keys.ask(for: .stop)
        #expect(conversation.runToEnd())
        guard case .finished = conversation.service?.outcome else {
            Issue.record("the coordinator did not end in order")
            return
        }
        #expect(conversation.workers.values.allSatisfy { $0.service?.outcome == .finished })
        let version = try #require(conversation.service?.currentAdapter.version)
        #expect(version < 50)
        let (_, _, values) = try AdapterDirectory.read(conversation.root + "/state/adapter")
        #expect(values == conversation.service?.currentAdapter.values)
        conversation.killCoordinator()
        #expect(throws: LedgerError.runStopped(at: 1_000)) { try conversation.startCoordinator() }
        #expect(throws: LedgerError.runStopped(at: 1_000)) { try conversation.keys.ask(for: .run) }
    }

    @Test func aFinishedRunCannotBePaused() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 1, minimumConnected: 1)
        #expect(throws: LedgerError.noRun) { try conversation.keys.ask(for: .pause) }
        try conversation.startCoordinator()
        try start(["a"], in: conversation)
        #expect(conversation.runToEnd())
        #expect(throws: LedgerError.runFinished) { try conversation.keys.ask(for: .pause) }
    }

    @Test func theOverviewSaysWhoIsLateAndWhy() throws {
        let conversation = try Conversation(rounds: 2, workersPerRound: 3, minimumConnected: 3)
        let state = conversation.root + "/state"
        try conversation.startCoordinator()
        try start(["a", "b"], in: conversation)
        try conversation.allow(["c"])
        _ = conversation.link.run(limitSeconds: 5) { false }
        let gathering = try RunOverview(state: state, ledger: conversation.keys)
        #expect(gathering.state == .running && gathering.isHeld)
        #expect(gathering.waitingFor?.hasPrefix("2 of 3 workers are connected") == true)
        #expect(gathering.waitingSince == 1_000)
        #expect(gathering.late.map(\.worker) == ["c"])
        #expect(gathering.late.first?.reason == "is enrolled and not connected")

        let (training, dying) = (FakeRunner(items: 1, slope: 1), try #require(conversation.workers["b"]?.runner))
        training.isHeld = true
        dying.isHeld = true
        try conversation.startWorker("c", runner: training)
        #expect(conversation.link.run(limitSeconds: 100) { training.started.count == 1 && dying.started.count == 1 })
        conversation.kill("b")
        _ = conversation.link.run(limitSeconds: 90) { false }
        let round = try RunOverview(state: state, ledger: conversation.keys)
        #expect(round.open?.round == 1 && round.open?.recorded == 1 && round.open?.selected == 3)
        #expect(round.waitingFor?.contains("waits for c") == true)
        #expect(
            round.late.map { "\($0.worker) \($0.reason)" } == [
                "b lost its connection; it is asked again when it comes back",
                "c is training, step 1 of 2, for twice as long as updates usually take",
            ])

        conversation.killCoordinator()
        let idle = try RunOverview(state: state, ledger: conversation.keys)
        #expect(idle.state == .idle && !idle.isHeld && idle.publishedRounds == 0)
        #expect(idle.late.isEmpty && idle.lateCount == 0)
        try conversation.keys.ask(for: .pause, cause: "three rollbacks")
        let paused = try RunOverview(state: state, ledger: conversation.keys)
        #expect(paused.state == .paused && paused.waitingFor?.hasPrefix("three rollbacks") == true)
    }
}
