import Coordinator
import Foundation
import Simulation
import Testing
import Wire
import Worker

@Suite("Coordinators that stay after the end of their run")
struct StayingTests {
    private func conversation(rounds: Int = 1) throws -> Conversation {
        let conversation = try Conversation(rounds: rounds, workersPerRound: 2, minimumConnected: 2)
        conversation.settings.staysAfterEnd = true
        try conversation.startCoordinator()
        try conversation.allow(["a", "b", "late"])
        return conversation
    }

    private func isFinished(_ conversation: Conversation) -> Bool {
        if case .finished? = conversation.service?.outcome { true } else { false }
    }

    @Test func theyTellWorkersThatComeLateAndEndWhenTheyAreTold() throws {
        let conversation = try conversation()
        for name in ["a", "b"] { try conversation.startWorker(name, runner: FakeRunner(items: 1, slope: 0.5)) }
        let end = { (name: String) in conversation.workers[name]?.service?.outcome }
        #expect(conversation.link.run(limitSeconds: 100) { end("a") == .finished && end("b") == .finished })
        // Long after the goodbyes of a coordinator that goes.
        #expect(!conversation.link.run(limitSeconds: 600) { conversation.isOver })
        try conversation.startWorker("late", runner: FakeRunner(items: 1, slope: 0.5))
        #expect(conversation.link.run(limitSeconds: 60) { end("late") == .finished })
        #expect(!conversation.isOver)
        conversation.service?.requestStop()
        #expect(isFinished(conversation))
    }

    @Test func oneThatIsStartedOnARunThatIsOverStaysToo() throws {
        let conversation = try conversation()
        for name in ["a", "b"] { try conversation.startWorker(name, runner: FakeRunner(items: 1, slope: 0.5)) }
        #expect(conversation.link.run(limitSeconds: 100) { (try? conversation.keys.run()?.isFinished) == true })
        conversation.killCoordinator()
        try conversation.startCoordinator()
        try conversation.startWorker("late", runner: FakeRunner(items: 1, slope: 0.5))
        #expect(conversation.link.run(limitSeconds: 60) { conversation.workers["late"]?.service?.outcome == .finished })
        #expect(!conversation.isOver)
        #expect(try conversation.keys.events(last: 9).map(\.kind) == [.finished])
        conversation.service?.requestStop()
        #expect(isFinished(conversation))
    }

    @Test func aRunThatItsOwnerStoppedIsNotTakenUpAgain() throws {
        let conversation = try conversation(rounds: 50)
        for name in ["a", "b"] { try conversation.startWorker(name, runner: FakeRunner(items: 1, slope: 0.5)) }
        #expect(conversation.link.run(limitSeconds: 100) { conversation.service?.currentAdapter.version == 1 })
        try conversation.keys.ask(for: .stop)
        #expect(conversation.link.run(limitSeconds: 60) { conversation.workers["a"]?.service?.outcome == .finished })
        let version = try #require(conversation.service?.currentAdapter.version)
        conversation.killCoordinator()
        try conversation.startCoordinator()
        try conversation.startWorker("late", runner: FakeRunner(items: 1, slope: 0.5))
        #expect(conversation.link.run(limitSeconds: 60) { conversation.workers["late"]?.service?.outcome == .finished })
        #expect(conversation.service?.currentAdapter.version == version && !conversation.isOver)
        conversation.service?.requestStop()
        #expect(isFinished(conversation))
    }

    @Test func beforeTheEndBeingToldToStopInterruptsTheRun() throws {
        let conversation = try conversation(rounds: 50)
        for name in ["a", "b"] { try conversation.startWorker(name, runner: FakeRunner(items: 1, slope: 0.5)) }
        #expect(conversation.link.run(limitSeconds: 100) { conversation.service?.currentAdapter.version == 1 })
        conversation.service?.requestStop()
        guard case .stopped? = conversation.service?.outcome else {
            Issue.record("the run counts as finished")
            return
        }
    }

    @Test func workersThatStayTakePartInWhatComesNext() throws {
        let conversation = try conversation()
        conversation.adjustWorker = { $0.staysAfterEnd = true }
        for name in ["a", "b"] { try conversation.startWorker(name, runner: FakeRunner(items: 1, slope: 0.5)) }
        #expect(conversation.link.run(limitSeconds: 100) { (try? conversation.keys.run()?.isFinished) == true })
        var hellos = 0
        conversation.link.watch = { envelope, isUp in
            if isUp, case .hello = envelope.message { hellos += 1 }
        }
        // Each asks every five minutes, and has nothing else to say.
        _ = conversation.link.run(limitSeconds: 1_000) { false }
        let outcomes = ["a", "b"].map { conversation.workers[$0]?.service?.outcome }
        #expect(outcomes == [nil, nil])
        #expect(hellos == 6)
        conversation.killCoordinator()
        conversation.settings.rounds = 2
        try conversation.startCoordinator()
        #expect(conversation.link.run(limitSeconds: 60) { conversation.service?.currentAdapter.version == 2 })
        #expect(conversation.matchesClosedForm())
        conversation.workers["a"]?.service?.requestStop()
        #expect(conversation.workers["a"]?.service?.outcome == .stopped)
    }
}
