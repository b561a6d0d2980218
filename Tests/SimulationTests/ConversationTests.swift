import Coordinator
import Federation
import Foundation
import ModelFiles
import Simulation
import Testing
import Wire
import Worker

@Suite("Coordinator and workers in conversation")
struct ConversationTests {
    @Test func aRoundsDurationIsTheStopwatchs() throws {
        /// - Parameter speed: Of the stopwatch against the link's clock; `nil`: without a stopwatch.
        func seconds(speed: Int64?) throws -> [Double] {
            let conversation = try Conversation(rounds: 3, workersPerRound: 1, minimumConnected: 1)
            try conversation.allow(["a"])
            if let speed {
                conversation.stopwatch = { [link = conversation.link] in
                    Instant(nanoseconds: link.now.nanoseconds * speed)
                }
            }
            try conversation.startCoordinator()
            try conversation.startWorker("a", runner: FakeRunner(items: 1, slope: 1), secondsPerStep: 0.5)
            #expect(conversation.runToEnd())
            return conversation.published.map(\.seconds)
        }
        let plain = try seconds(speed: nil)
        #expect(plain.count == 3 && plain.allSatisfy { $0 >= 5 })
        for (stopped, seconds) in zip(try seconds(speed: 3), plain) { #expect(abs(stopped - 3 * seconds) < 1e-6) }
    }

    /// Workers a, b, c… with different weights and directions.
    private func start(_ names: [String], in conversation: Conversation) throws {
        try conversation.allow(names)
        for (index, name) in names.enumerated() {
            try conversation.startWorker(name, runner: FakeRunner(items: UInt64(index + 1), slope: Double(index) - 0.5))
        }
    }

    @Test func runsToCompletionWithTheWeightedMeanOfEachRound() throws {
        let conversation = try Conversation(rounds: 4, workersPerRound: 3, minimumConnected: 5)
        try conversation.startCoordinator()
        try start(["a", "b", "c", "d", "e"], in: conversation)
        #expect(conversation.runToEnd())
        #expect(conversation.published.map(\.round) == [1, 2, 3, 4])
        #expect(conversation.accepted.values.allSatisfy { $0.count == 3 && Set($0).count == 3 })
        #expect(conversation.matchesClosedForm())
        #expect(conversation.workers.values.allSatisfy { $0.service?.outcome == .finished })
        let last = try #require(conversation.published.last)
        #expect(last.tokensTrained == 4 * 3 * 100)
        #expect(last.denseUplinkBytes == 4 * 14 * 12)
        #expect(last.uplinkBytes > last.denseUplinkBytes)
        // What PEFT would load is the same adapter.
        let (_, layout, values) = try AdapterDirectory.read(conversation.root + "/state/adapter")
        #expect(layout == conversation.layout)
        #expect(values == conversation.service?.currentAdapter.values)
        #expect(FileManager.default.fileExists(atPath: conversation.root + "/state/adapters/0004/adapter_config.json"))
    }

    /// The last goodbyes may still be on their way when the workers' processes are gone.
    @Test(arguments: [1, 2])
    func aRunThatTakesItsLeaveOutlivesItsWorkers(rounds: Int) throws {
        let conversation = try Conversation(rounds: 2, workersPerRound: 2, minimumConnected: 2)
        try conversation.startCoordinator()
        try start(["a", "b"], in: conversation)
        let service = try #require(conversation.service)
        #expect(
            conversation.link.run(limitSeconds: 1_000) {
                rounds == 2
                    ? conversation.events.contains { if case .finished = $0 { true } else { false } }
                    : conversation.published.count == 1
            })
        for name in ["a", "b"] { conversation.kill(name) }
        #expect(!service.isFinished)
        service.everyWorkerHasEnded(NobodyLeft())
        switch service.outcome {
        case .finished: #expect(rounds == 2)
        case .failed(let error): #expect(rounds == 1 && error is NobodyLeft)
        default: Issue.record("\(service.outcome)")
        }
    }

    private struct NobodyLeft: Error {}

    @Test func theSameSeedSelectsTheSameWorkersWhateverTheDelays() throws {
        let rounds = try [0.001...0.001, 0.001...0.4].map { delay in
            let conversation = try Conversation(
                rounds: 5, workersPerRound: 2, minimumConnected: 6, faults: LinkFaults(delaySeconds: delay))
            try conversation.startCoordinator()
            try start(["a", "b", "c", "d", "e", "f"], in: conversation)
            #expect(conversation.runToEnd())
            return (conversation.accepted.mapValues { $0.sorted() }, conversation.service?.currentAdapter.values)
        }
        #expect(rounds[0].0 == rounds[1].0)
        #expect(rounds[0].1 == rounds[1].1)
    }

    /// With updates in four chunks, and in one message.
    @Test(arguments: [UInt64](1...8), [16, 64])
    func finishesOverALinkThatLosesDuplicatesAndReorders(seed: UInt64, chunkBytes: Int) throws {
        let conversation = try Conversation(
            rounds: 3, workersPerRound: 3, minimumConnected: 4, seed: seed,
            faults: LinkFaults(loss: 0.2, duplication: 0.2, delaySeconds: 0.001...1.5))
        conversation.chunkBytes = chunkBytes
        try conversation.startCoordinator()
        try start(["a", "b", "c", "d"], in: conversation)
        #expect(conversation.runToEnd())
        #expect(conversation.published.map(\.round) == [1, 2, 3])
        #expect(conversation.accepted.values.allSatisfy { $0.count == 3 && Set($0).count == 3 })
        #expect(conversation.matchesClosedForm())
    }

    @Test func aWorkerThatDiesIsReplacedAndTheOneThatComesBackJoinsAgain() throws {
        let conversation = try Conversation(rounds: 2, workersPerRound: 2, minimumConnected: 3)
        try conversation.startCoordinator()
        try start(["a", "b", "c"], in: conversation)
        for member in conversation.workers.values { member.runner.isHeld = true }
        #expect(
            conversation.link.run(limitSeconds: 100) {
                conversation.workers.values.filter { !$0.runner.started.isEmpty }.count == 2
            })
        let busy = conversation.workers.filter { !$0.value.runner.started.isEmpty }.keys.sorted()
        conversation.kill(busy[0])
        for (name, member) in conversation.workers where name != busy[0] { member.runner.release() }
        #expect(conversation.link.run(limitSeconds: 100) { conversation.published.count == 1 })
        #expect(conversation.accepted[1]?.contains(busy[0]) == false)
        let runner = try #require(conversation.workers[busy[0]]?.runner)
        runner.isHeld = false
        try conversation.startWorker(busy[0], runner: runner)
        #expect(conversation.runToEnd())
        #expect(conversation.workers[busy[0]]?.service?.outcome == .finished)
        #expect(conversation.matchesClosedForm())
    }

    @Test func theOnlyWorkerIsAskedAgainAfterItsRestart() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 1, minimumConnected: 1)
        try conversation.startCoordinator()
        try start(["a"], in: conversation)
        let runner = try #require(conversation.workers["a"]?.runner)
        runner.isHeld = true
        #expect(conversation.link.run(limitSeconds: 100) { runner.started.count == 1 })
        conversation.kill("a")
        // Long enough for its lease to end.
        #expect(!conversation.link.run(limitSeconds: 100) { conversation.isOver })
        runner.isHeld = false
        try conversation.startWorker("a", runner: runner)
        #expect(conversation.runToEnd())
        #expect(conversation.matchesClosedForm())
    }

    /// With updates in four chunks, and in one message: then a run has fewer messages.
    @Test(arguments: (1...23).map { ($0, 16) } + (1...9).map { ($0, 64) })
    func aKilledCoordinatorGoesOnWithTheRoundAndCountsEachUpdateOnce(messages: Int, chunkBytes: Int) throws {
        let conversation = try Conversation(rounds: 2, workersPerRound: 3, minimumConnected: 3)
        conversation.chunkBytes = chunkBytes
        try conversation.startCoordinator()
        try start(["a", "b", "c"], in: conversation)
        // Killed after so many messages from workers, wherever that is.
        var count = 0
        conversation.link.watch = { _, isUp in count += isUp ? 1 : 0 }
        #expect(conversation.link.run(limitSeconds: 1_000) { count >= 2 * messages })
        conversation.killCoordinator()
        _ = conversation.link.run(limitSeconds: 5) { false }
        try conversation.startCoordinator()
        #expect(conversation.runToEnd())
        #expect(conversation.service?.currentAdapter.version == 2)
        let updates = try (1...2).map { try conversation.keys.updates(round: $0, attempt: 1).map(\.worker.text) }
        #expect(updates == [["a", "b", "c"], ["a", "b", "c"]])
        let expected = conversation.firstAdapter.indices.map { index in
            let sum = conversation.workers.values.reduce(0) { $0 + Double($1.runner.items) * $1.runner.shift(index) }
            return Double(conversation.firstAdapter[index]) + 2 * sum / 6
        }
        let values = try #require(conversation.service?.currentAdapter.values)
        #expect(zip(values, expected).allSatisfy { abs(Double($0) - $1) < 1e-4 })
    }

    @Test func anUploadGoesOnWhereItStoppedAfterTheWorkerRestarted() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 1, minimumConnected: 1)
        conversation.chunkBytes = 4
        try conversation.startCoordinator()
        try start(["a"], in: conversation)
        let runner = try #require(conversation.workers["a"]?.runner)
        var offsets: [UInt64] = []
        var isFirstWindowHeld = false
        conversation.link.watch = { envelope, _ in
            if case .updateChunk(let chunk) = envelope.message { offsets.append(chunk.offset) }
            if case .updateAck(let ack) = envelope.message, ack.state == .receivedThrough(32) {
                isFirstWindowHeld = true
            }
        }
        // Of 56 bytes in chunks of 4, the eight that may be unanswered have arrived.
        #expect(conversation.link.run(limitSeconds: 100) { isFirstWindowHeld })
        #expect(offsets == [0, 4, 8, 12, 16, 20, 24, 28])
        conversation.kill("a")
        offsets = []
        try conversation.startWorker("a", runner: runner)
        #expect(conversation.runToEnd())
        #expect(offsets.first == 32)
        #expect(runner.started.count == 1)
        #expect(conversation.matchesClosedForm())
    }

    @Test func aWorkerWithoutTheBaseModelDownloadsIt() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 1, minimumConnected: 1)
        try conversation.startCoordinator()
        try conversation.allow(["a"])
        let runner = FakeRunner(items: 1, slope: 1)
        try conversation.startWorker("a", runner: runner, model: nil)
        #expect(conversation.runToEnd())
        let directory = try #require(runner.started.first?.modelPath)
        #expect(
            try ModelManifest(directory: directory).identity
                == ModelManifest(directory: conversation.root + "/model").identity)
    }

    @Test func aWorkerWithAnotherBaseModelEndsWithAReason() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 1, minimumConnected: 1)
        try conversation.startCoordinator()
        try conversation.allow(["a"])
        let other = conversation.root + "/other"
        try FileManager.default.copyItem(atPath: conversation.root + "/model", toPath: other)
        try AtomicFile.write(Array("{\"changed\":1}".utf8), to: other + "/tokenizer.json")
        let service = try conversation.startWorker("a", runner: FakeRunner(items: 1, slope: 1), model: other)
        #expect(conversation.link.run(limitSeconds: 100) { service.isFinished })
        guard case .failed(let reason) = service.outcome else {
            Issue.record("the worker did not fail")
            return
        }
        #expect(reason.contains("base model"))
    }
}
