import Coordinator
import Federation
import Foundation
import ModelFiles
import Simulation
import Testing
import Wire

/// Says what a test tells it to, with an admitted key.
final class HandWrittenWorker: WorkerServiceProtocol {
    var isFinished: Bool { false }
    private(set) var isConnected = false
    private(set) var heard: [Envelope] = []
    private let end: MemoryWorkerLink
    private var lastMessage: UInt64 = 0

    init(end: MemoryWorkerLink) { self.end = end }

    func connectionChanged(_ state: ConnectionState, at now: Instant) { isConnected = state == .connected }
    func receive(_ envelope: Envelope, payload: [UInt8]?, at now: Instant) { heard.append(envelope) }
    func receive(malformed error: WireError, at now: Instant) {}
    func tick(at now: Instant) -> Instant? { nil }

    func say(_ message: Message, payload: [UInt8]? = nil, round: UInt32 = 1, attempt: UInt32 = 1) {
        lastMessage += 1
        end.send(
            Envelope(id: lastMessage, run: "", round: round, attempt: attempt, message: message), payload: payload)
    }

    var lastAck: UpdateAck.State? {
        heard.reversed().compactMap { if case .updateAck(let ack) = $0.message { ack.state } else { nil } }.first
    }
    var lastRefusal: Refused.Code? {
        heard.reversed().compactMap { if case .refused(let refused) = $0.message { refused.code } else { nil } }.first
    }
    var lease: UInt64? {
        heard.compactMap { if case .offer(let offer) = $0.message { offer.lease } else { nil } }.first
    }
}

@Suite("The coordinator among untrusted workers")
struct HostileWorkerTests {
    private let conversation: Conversation
    private let worker: HandWrittenWorker
    private static let hello = Message.hello(
        Hello(software: "", features: [], codecs: [.dense], cores: 1, memoryBytes: 1, baseModel: nil))

    /// Two updates make a round, so that one leaves it open.
    init() throws {
        conversation = try Conversation(rounds: 1, workersPerRound: 2, minimumConnected: 1)
        try conversation.startCoordinator()
        try conversation.allow(["a"])
        let end = conversation.link.addWorker(keys: [.own: Conversation.key("a", 1)])
        worker = HandWrittenWorker(end: end)
        conversation.link.attach(worker, to: end, keys: .own)
        _ = conversation.link.run(limitSeconds: 1) { [worker] in worker.isConnected }
    }

    private func settle() { _ = conversation.link.run(limitSeconds: 0.1) { false } }

    private func say(_ message: Message, payload: [UInt8]? = nil) {
        worker.say(message, payload: payload)
        settle()
    }

    private func commit(_ lease: UInt64, _ bytes: [UInt8], items: UInt64 = 1, steps: UInt32 = 1) -> Message {
        .updateCommit(
            UpdateCommit(
                lease: lease, object: ContentHash(of: bytes), trainingItems: items, steps: steps, tokensTrained: 1,
                trainLoss: 1))
    }

    private func begin(_ lease: UInt64, _ bytes: [UInt8]) -> Message {
        .updateBegin(
            UpdateBegin(lease: lease, object: ContentHash(of: bytes), totalBytes: UInt64(bytes.count), codec: .dense))
    }

    private func open() throws -> UInt64 {
        say(Self.hello)
        return try #require(worker.lease)
    }

    /// 14 values.
    private func update(_ value: Float) -> [UInt8] { DenseCodec().encode([Float](repeating: value, count: 14)) }

    @Test func nothingIsServedBeforeHello() {
        say(.heartbeat(Heartbeat(phase: .idle)))
        #expect(worker.lastRefusal == .sessionRequired)
    }

    @Test func anUpdateTooLargeForTheAdapterIsRejectedBeforeItsBytes() throws {
        let lease = try open()
        say(.updateBegin(UpdateBegin(lease: lease, object: ContentHash(of: []), totalBytes: 57, codec: .dense)))
        guard case .rejected = worker.lastAck else {
            Issue.record("57 bytes were let in")
            return
        }
    }

    @Test func bytesBeyondTheAnnouncedSizeAreNotTaken() throws {
        let lease = try open()
        let bytes = update(1)
        say(begin(lease, bytes))
        say(.updateChunk(UpdateChunk(lease: lease, offset: 0)), payload: bytes + [0])
        #expect(worker.lastAck == .receivedThrough(0))
        say(.updateChunk(UpdateChunk(lease: lease, offset: 4)), payload: Array(bytes[4...]))
        #expect(worker.lastAck == .receivedThrough(0))
    }

    /// An offer asks for 10 steps.
    @Test(arguments: [(steps: UInt32(0), isTaken: false), (10, true), (11, false), (.max, false)])
    func anUpdateThatClaimsOtherStepsThanItsTaskHasIsRejected(steps: UInt32, isTaken: Bool) throws {
        let lease = try open()
        let bytes = update(1)
        say(begin(lease, bytes))
        say(.updateChunk(UpdateChunk(lease: lease, offset: 0)), payload: bytes)
        say(commit(lease, bytes, steps: steps))
        guard !isTaken else { return #expect(worker.lastAck == .committed) }
        guard case .rejected(let reason) = worker.lastAck else {
            Issue.record("\(steps) steps were let in")
            return
        }
        #expect(
            reason.contains(
                steps == 0
                    ? "no training step"
                    : "\(steps) training steps stand behind it, and its task asked for at most 10"))
        #expect(try conversation.keys.updates(round: 1, attempt: 1).isEmpty)
    }

    @Test func aCommittedUpdateIsConfirmedAgainAndAnotherRefused() throws {
        let lease = try open()
        let bytes = update(1)
        say(begin(lease, bytes))
        say(.updateChunk(UpdateChunk(lease: lease, offset: 0)), payload: bytes)
        say(commit(lease, bytes))
        #expect(worker.lastAck == .committed)
        // The answer was lost, in the same process and after a crash.
        say(commit(lease, bytes))
        #expect(worker.lastAck == .committed)
        conversation.killCoordinator()
        try conversation.startCoordinator()
        _ = conversation.link.run(limitSeconds: 2) { worker.isConnected }
        say(Self.hello)
        say(commit(lease, bytes))
        #expect(worker.lastAck == .committed)
        say(begin(lease, update(2)))
        guard case .rejected = worker.lastAck else {
            Issue.record("a second update was let in")
            return
        }
        #expect(try conversation.keys.updates(round: 1, attempt: 1).map(\.object) == [ContentHash(of: bytes)])
    }

    @Test func bytesThatDoNotHashToTheirNameStartAgain() throws {
        let lease = try open()
        say(begin(lease, update(1)))
        say(.updateChunk(UpdateChunk(lease: lease, offset: 0)), payload: update(2))
        say(commit(lease, update(1)))
        #expect(worker.lastAck == .receivedThrough(0))
        #expect(try conversation.keys.updates(round: 1, attempt: 1).isEmpty)
    }

    @Test(arguments: [Float.nan, .infinity])
    func updatesThatAreNotFiniteAreRejected(value: Float) throws {
        let lease = try open()
        let bytes = update(value)
        say(begin(lease, bytes))
        say(.updateChunk(UpdateChunk(lease: lease, offset: 0)), payload: bytes)
        say(commit(lease, bytes))
        guard case .rejected = worker.lastAck else {
            Issue.record("\(value) was let in")
            return
        }
        #expect(try conversation.keys.updates(round: 1, attempt: 1).isEmpty)
    }

    @Test func anUpdateWithoutDataBehindItIsRejected() throws {
        let lease = try open()
        let bytes = update(1)
        say(begin(lease, bytes))
        say(.updateChunk(UpdateChunk(lease: lease, offset: 0)), payload: bytes)
        say(commit(lease, bytes, items: 0))
        guard case .rejected = worker.lastAck else {
            Issue.record("an update of no items was let in")
            return
        }
    }

    @Test func aForeignLeaseIsWorthNothing() throws {
        let lease = try open()
        say(.heartbeat(Heartbeat(phase: .training, lease: lease &+ 1)))
        #expect(worker.lastRefusal == .unknownLease)
        say(begin(lease &+ 1, update(1)))
        guard case .rejected = worker.lastAck else {
            Issue.record("a foreign lease was let in")
            return
        }
    }

    private func whole(_ lease: UInt64, _ name: [UInt8], _ bytes: [UInt8]) {
        guard case .updateCommit(let commit) = commit(lease, name) else { return }
        say(.updateWhole(commit), payload: bytes)
    }

    @Test func anUpdateInOneMessageCountsOnceHoweverOftenItComes() throws {
        let lease = try open()
        let bytes = update(1)
        whole(lease, bytes, bytes)
        #expect(worker.lastAck == .committed)
        whole(lease, bytes, bytes)
        #expect(worker.lastAck == .committed)
        whole(lease, update(2), update(2))
        guard case .rejected = worker.lastAck else {
            Issue.record("a second update was let in")
            return
        }
        #expect(try conversation.keys.updates(round: 1, attempt: 1).map(\.object) == [ContentHash(of: bytes)])
    }

    @Test func anUpdateInOneMessageIsCheckedLikeAnyOther() throws {
        let lease = try open()
        whole(lease, update(1), update(2))
        #expect(worker.lastAck == .receivedThrough(0))
        whole(lease, update(1), update(1) + [0])
        guard case .rejected = worker.lastAck else {
            Issue.record("57 bytes were let in")
            return
        }
        #expect(try conversation.keys.updates(round: 1, attempt: 1).isEmpty)
        // The long way is open still.
        say(begin(lease, update(1)))
        say(.updateChunk(UpdateChunk(lease: lease, offset: 0)), payload: update(1))
        say(commit(lease, update(1)))
        #expect(worker.lastAck == .committed)
    }

    @Test func anUpdateInOneMessageCompletesWhatHadCome() throws {
        let lease = try open()
        let bytes = update(1)
        say(begin(lease, bytes))
        say(.updateChunk(UpdateChunk(lease: lease, offset: 0)), payload: Array(bytes[..<8]))
        whole(lease, bytes, bytes)
        #expect(worker.lastAck == .committed)
    }

    @Test func creditForTheAdapterIsWorthNothingUnderAForeignLease() throws {
        let lease = try open()
        say(.accept(Accept(lease: lease &+ 1, adapterCredit: 1 << 20)))
        #expect(!worker.heard.contains { $0.message.kind == "ObjectChunk" })
        say(.accept(Accept(lease: lease, adapterCredit: 1 << 20)))
        #expect(worker.heard.contains { $0.message.kind == "ObjectChunk" })
    }

    @Test func otherWorkersUpdatesAreNotServed() throws {
        let lease = try open()
        let bytes = update(1)
        say(begin(lease, bytes))
        say(.updateChunk(UpdateChunk(lease: lease, offset: 0)), payload: bytes)
        say(commit(lease, bytes))
        say(.objectRequest(ObjectRequest(object: ContentHash(of: bytes), offset: 0, length: 100)))
        #expect(worker.lastRefusal == .unknownObject)
    }

    @Test func anotherBaseModelAndUnknownCodecsAreRefusedWithAReason() {
        say(
            .hello(
                Hello(
                    software: "", features: [], codecs: [.dense], cores: 1, memoryBytes: 1,
                    baseModel: ContentHash(of: [1]))))
        #expect(worker.lastRefusal == .baseModelMismatch)
        say(.hello(Hello(software: "", features: [], codecs: [], cores: 1, memoryBytes: 1, baseModel: nil)))
        #expect(worker.lastRefusal == .unsupportedVersion)
    }
}
