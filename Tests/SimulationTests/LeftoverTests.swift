import Coordinator
import Federation
import Foundation
import ModelFiles
import Simulation
import Testing
import Wire
import Worker

@Suite("What a killed coordinator leaves")
struct LeftoverTests {
    private static func state(_ conversation: Conversation) -> String { conversation.root + "/state" }

    private func start(_ conversation: Conversation) throws {
        try conversation.startCoordinator()
        try conversation.allow(["a", "b", "c"])
        for (index, name) in ["a", "b", "c"].enumerated() {
            let runner = FakeRunner(items: UInt64(index + 1), slope: Double(index) - 0.5)
            // No two tasks give the same update.
            runner.training = { task in
                let size = 0.1 * Float(index + 1) + Float(task.round) + 10 * Float(task.attempt)
                return (task.values.map { $0 + size }, nil)
            }
            try conversation.startWorker(name, runner: runner, secondsPerStep: 0.1 * Double(index + 1))
        }
    }

    /// What lies in the state of a coordinator that does not run, and what its ledger needs.
    private func objects(_ conversation: Conversation) throws -> (held: Set<ContentHash>, needed: Set<ContentHash>) {
        (try BlobStore(directory: Self.state(conversation)).objects, try conversation.keys.neededObjects())
    }

    enum Run: CaseIterable {
        case synchronous, withMomentum, asynchronous

        func apply(to settings: inout RunSettings) {
            switch self {
            case .synchronous: break
            case .withMomentum: settings.strategy = .fedAvgM(learningRate: 1, momentum: 0.5)
            case .asynchronous: settings.buffering = BufferOptions(size: 2, concurrency: 3)
            }
        }
    }

    @Test("goes when the run is taken up, and nothing that is needed", arguments: Run.allCases)
    func killedAfterAPublication(_ run: Run) throws {
        let conversation = try Conversation(rounds: 5, workersPerRound: 2, minimumConnected: 3)
        run.apply(to: &conversation.settings)
        try start(conversation)
        #expect(conversation.link.run(limitSeconds: 100) { conversation.service?.currentAdapter.version == 3 })
        conversation.killCoordinator()
        let before = try objects(conversation)
        #expect(before.held.isStrictSuperset(of: before.needed), "the process was killed before it tidied up")
        try conversation.startCoordinator()
        #expect(conversation.runToEnd())
        conversation.killCoordinator()
        let after = try objects(conversation)
        #expect(after.held == after.needed)
        // Every version stays, with the newest state alone.
        #expect(after.needed.count >= (run == .withMomentum ? 7 : 6))
        for version in 0...5 {
            #expect(after.held.contains(try #require(try conversation.keys.adapter(version: version))))
        }
    }

    @Test func anAttemptThatWasRolledBackLeavesNothing() throws {
        final class WorseOnce: Evaluating {
            private var losses = [3, 2.9, 4, 2.8]
            func evaluate(
                adapter values: [Float], residual: AdapterResidual?,
                completion: @escaping @Sendable (Result<Evaluation, any Error>) -> Void
            ) {
                let loss = losses.count > 1 ? losses.removeFirst() : losses[0]
                completion(.success(Evaluation(loss: loss, standardError: 0.1, items: 5)))
            }
        }
        let conversation = try Conversation(rounds: 2, workersPerRound: 2, minimumConnected: 3)
        conversation.settings.gateTolerance = 0.05
        conversation.settings.evaluateEvery = 1
        conversation.evaluator = WorseOnce()
        try start(conversation)
        #expect(
            conversation.link.run(limitSeconds: 100) {
                conversation.events.contains { if case .roundRolledBack = $0 { true } else { false } }
            })
        conversation.killCoordinator()
        let left = try objects(conversation)
        #expect(left.held.subtracting(left.needed).count == 2)
        try conversation.startCoordinator()
        #expect(conversation.runToEnd())
        conversation.killCoordinator()
        let after = try objects(conversation)
        #expect(after.held == after.needed && after.needed.count == 3)
    }

    @Test func whatNoTransactionCameToNameGoesAndAnOpenRoundsUpdatesStay() throws {
        let conversation = try Conversation(rounds: 2, workersPerRound: 3, minimumConnected: 3)
        try start(conversation)
        #expect(
            conversation.link.run(limitSeconds: 100) {
                (try? conversation.keys.updates(round: 1, attempt: 1).count) == 2
            })
        conversation.killCoordinator()
        let kept = try conversation.keys.updates(round: 1, attempt: 1).map(\.object)
        let state = Self.state(conversation)
        let planted = [[UInt8](repeating: 1, count: 99), [2, 2]].map { ContentHash(of: $0) }
        do {
            let store = try BlobStore(directory: state)
            // An optimiser's state whose round was not published, and an update that was not recorded.
            try store.write([UInt8](repeating: 1, count: 99))
            try store.keep([.whole(planted[1], [2, 2])])
            for owner in ["a", "b", "c"] {
                try store.append([3], to: UploadKey(owner: "\(RunID(bits: 42))-0-1-\(owner)", object: planted[0]))
            }
        }
        let folder = state + "/blobs/" + planted[0].description.prefix(2)
        try Data([4]).write(to: URL(fileURLWithPath: "\(folder)/.\(planted[0]).99.0.tmp"))
        try conversation.startCoordinator()
        // Longer than it waits before it tidies up, shorter than the last worker trains.
        _ = conversation.link.run(limitSeconds: 0.5) { false }
        #expect(conversation.service?.currentAdapter.version == 0)
        let (held, needed) = try objects(conversation)
        #expect(held == needed && needed.isSuperset(of: kept) && needed.isDisjoint(with: planted))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).allSatisfy { !$0.hasPrefix(".") })
        #expect(try FileManager.default.contentsOfDirectory(atPath: state + "/partial").isEmpty)
        #expect(conversation.runToEnd())
        // Nobody trained for the first round twice.
        for worker in conversation.workers.values {
            #expect(worker.runner.started.map(\.round) == [1, 2])
        }
    }
}
