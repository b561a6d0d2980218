import Coordinator
import Federation
import Simulation
import Testing
import Wire
import Worker

@Suite("Limits on what a worker spends on a run")
struct WorkerLimitTests {
    /// Five workers, one a round, whose trainings cost 10 s and 4 J each.
    private func conversation(rounds: Int, limit: WorkerLimit) throws -> Conversation {
        let conversation = try Conversation(rounds: rounds, workersPerRound: 1, minimumConnected: 5)
        conversation.settings.workerLimit = limit
        try conversation.startCoordinator()
        let names = ["a", "b", "c", "d", "e"]
        try conversation.allow(names)
        for name in names {
            let runner = FakeRunner(items: 1, slope: 0.5)
            runner.cost = TaskCost(seconds: 10, joules: 4)
            try conversation.startWorker(name, runner: runner)
        }
        return conversation
    }

    private func counts(_ conversation: Conversation) throws -> [Int] {
        try conversation.keys.updateCounts().sorted { $0.key < $1.key }.map(\.value)
    }

    @Test(arguments: [WorkerLimit(seconds: 15), WorkerLimit(joules: 5), WorkerLimit(seconds: 1_000, joules: 8)])
    func whoHasSpentItIsNotAskedAgain(_ limit: WorkerLimit) throws {
        // Each may train twice: what the second training costs is known only after it.
        let conversation = try conversation(rounds: 10, limit: limit)
        #expect(conversation.runToEnd())
        #expect(try counts(conversation) == [2, 2, 2, 2, 2])
    }

    @Test func whenAllHaveTheRunWaitsAndSaysWhy() throws {
        let conversation = try conversation(rounds: 7, limit: WorkerLimit(seconds: 5))
        #expect(!conversation.runToEnd(limitSeconds: 300))
        #expect(try counts(conversation) == [1, 1, 1, 1, 1])
        let waits = conversation.events.compactMap { if case .waiting(let reason) = $0 { reason } else { nil } }
        #expect(waits.last?.contains("5 have spent what limits.worker-time and limits.worker-energy allow") == true)
    }

    @Test(arguments: [5, 17, 40])
    func aRestartedCoordinatorAsksTheSameWorkers(messages: Int) throws {
        func selections(killedAfter limit: Int?) throws -> [[String]] {
            let conversation = try conversation(rounds: 8, limit: WorkerLimit(seconds: 15))
            if let limit {
                var count = 0
                conversation.link.watch = { _, isUp in count += isUp ? 1 : 0 }
                #expect(conversation.link.run(limitSeconds: 1_000) { count >= limit })
                conversation.killCoordinator()
                _ = conversation.link.run(limitSeconds: 5) { false }
                try conversation.startCoordinator()
            }
            #expect(conversation.runToEnd())
            return try (1...8).map { try conversation.keys.updates(round: $0, attempt: 1).map(\.worker.text) }
        }
        #expect(try selections(killedAfter: messages) == selections(killedAfter: nil))
    }
}
