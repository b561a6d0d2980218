import Coordinator
import Federation
import Foundation
import ModelFiles
import Simulation
import Testing
import Wire
import Worker

@Suite("What a failing disk took")
struct RecoveryTests {
    private func start(_ names: [String], in conversation: Conversation) throws {
        try conversation.allow(names)
        for (index, name) in names.enumerated() {
            try conversation.startWorker(name, runner: FakeRunner(items: UInt64(index + 1), slope: Double(index) - 0.5))
        }
    }

    private func blob(_ object: ContentHash, in conversation: Conversation) -> String {
        conversation.root + "/state/blobs/\(object.description.prefix(2))/\(object)"
    }

    private func flipAByte(of path: String) throws {
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        bytes[bytes.count - 1] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    private func events(_ conversation: Conversation) throws -> [LedgerEvent.Kind] {
        try conversation.keys.events(last: 9).map(\.kind)
    }

    private func interrupted(_ strategy: ServerStrategy = .fedAvg) throws -> (Conversation, ContentHash) {
        let conversation = try Conversation(rounds: 4, workersPerRound: 2, minimumConnected: 2)
        conversation.settings.strategy = strategy
        try conversation.startCoordinator()
        try start(["a", "b"], in: conversation)
        #expect(conversation.link.run(limitSeconds: 100) { conversation.service?.currentAdapter.version == 2 })
        conversation.killCoordinator()
        return (conversation, try #require(try conversation.keys.adapter(version: 2)))
    }

    @Test("a damaged or missing adapter blob comes back from the round's copy", arguments: [true, false])
    func adapterBlob(isMissing: Bool) throws {
        let (conversation, object) = try interrupted()
        let path = blob(object, in: conversation)
        if isMissing { try FileManager.default.removeItem(atPath: path) } else { try flipAByte(of: path) }
        try conversation.startCoordinator()
        #expect(try ContentHash(of: Array(Data(contentsOf: URL(fileURLWithPath: path)))) == object)
        #expect(try events(conversation) == [.recovered])
        #expect(conversation.runToEnd())
        #expect(conversation.matchesClosedForm())
    }

    @Test func nothingOfAnUpdateOutlivesItsRoundThoughItsProcessWasKilled() throws {
        let conversation = try Conversation(rounds: 4, workersPerRound: 2, minimumConnected: 2)
        try conversation.startCoordinator()
        try start(["a", "b"], in: conversation)
        #expect(conversation.link.run(limitSeconds: 100) { conversation.service?.currentAdapter.version == 2 })
        conversation.killCoordinator()
        try conversation.startCoordinator()
        #expect(conversation.runToEnd())
        #expect(conversation.matchesClosedForm())
        #expect(try FileManager.default.contentsOfDirectory(atPath: conversation.root + "/state/segments").isEmpty)
        for round in 1...4 {
            for update in try conversation.keys.updates(round: round, attempt: 1) {
                #expect(!FileManager.default.fileExists(atPath: blob(update.object, in: conversation)))
            }
        }
    }

    @Test("a blob is not replaced by a copy of something else, and the remedy is said")
    func adapterBlobAndCopy() throws {
        let (conversation, object) = try interrupted()
        let adapters = conversation.root + "/state/adapters/"
        try flipAByte(of: blob(object, in: conversation))
        try FileManager.default.removeItem(atPath: adapters + "0002")
        try FileManager.default.copyItem(atPath: adapters + "0001", toPath: adapters + "0002")
        let damaged = RunError.adapterDamaged(
            version: 2, blob: blob(object, in: conversation), copy: adapters + "0002")
        #expect(throws: damaged) { try conversation.startCoordinator() }
        #expect(damaged.description.contains("restore either from a backup"))
        // A blob put back by its owner is enough.
        try flipAByte(of: blob(object, in: conversation))
        try conversation.startCoordinator()
        #expect(conversation.runToEnd())
        #expect(conversation.matchesClosedForm())
    }

    @Test func aDamagedOptimiserStateIsRefusedWithItsRemedy() throws {
        let (conversation, _) = try interrupted(.fedAvgM(learningRate: 1, momentum: 0.9))
        let state = try #require(try conversation.keys.currentAdapter()?.optimizerState)
        let path = blob(state, in: conversation)
        try flipAByte(of: path)
        #expect(throws: RunError.optimizerStateDamaged(round: 2, blob: path)) { try conversation.startCoordinator() }
        try flipAByte(of: path)
        try conversation.startCoordinator()
        #expect(conversation.runToEnd())
    }

    @Test("an update whose bytes are lost is asked for again, and counts once", arguments: [true, false])
    func updateBlob(isMissing: Bool) throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 2, minimumConnected: 2)
        try conversation.startCoordinator()
        try start(["a", "b"], in: conversation)
        let (quick, slow) = (
            try #require(conversation.workers["a"]?.runner), try #require(conversation.workers["b"]?.runner)
        )
        slow.isHeld = true
        #expect(
            conversation.link.run(limitSeconds: 100) {
                (try? conversation.keys.updates(round: 1, attempt: 1).count) == 1 && slow.started.count == 1
            })
        // Its worker knows that it counts, and has forgotten it.
        _ = conversation.link.run(limitSeconds: 1) { false }
        conversation.killCoordinator()
        let update = try #require(try conversation.keys.updates(round: 1, attempt: 1).first)
        let path = blob(update.object, in: conversation)
        if isMissing { try FileManager.default.removeItem(atPath: path) } else { try flipAByte(of: path) }
        try conversation.startCoordinator()
        #expect(conversation.link.run(limitSeconds: 100) { quick.started.count == 2 })
        slow.release()
        #expect(conversation.runToEnd())
        #expect(try events(conversation) == [.recovered, .finished])
        #expect(try conversation.keys.updates(round: 1, attempt: 1).map(\.worker.text) == ["a", "b"])
        let values = try #require(conversation.service?.currentAdapter.values)
        let expected = conversation.firstAdapter.indices.map { index in
            Double(conversation.firstAdapter[index]) + (quick.shift(index) + 2 * slow.shift(index)) / 3
        }
        #expect(zip(values, expected).allSatisfy { abs(Double($0) - $1) < 1e-5 })
    }
}
