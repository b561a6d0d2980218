import Federation
import Foundation
import ModelFiles
import Recipe
import Testing
import Wire
import Worker

private final class RecordingLink: WorkerLink {
    var sent: [Envelope] = []
    var reconnects: [WorkerLinkKeys] = []

    func send(_ envelope: Envelope, payload: [UInt8]?) { sent.append(envelope) }
    func reconnect(with keys: WorkerLinkKeys) { reconnects.append(keys) }

    var helloCount: Int { sent.filter { if case .hello = $0.message { true } else { false } }.count }
    var heartbeats: [Heartbeat] {
        sent.compactMap { if case .heartbeat(let heartbeat) = $0.message { heartbeat } else { nil } }
    }
}

private struct InlineExecutor: LoopExecutor {
    func post(_ work: @escaping @Sendable () -> Void) { work() }
}

private final class IdleRunner: TaskRunning {
    func start(_ task: LocalTask, report: @escaping @Sendable (TaskEvent) -> Void) {}
    func cancel(lease: UInt64) {}
}

@Suite("Worker service")
struct WorkerServiceTests {
    private let link = RecordingLink()
    private let service: WorkerService
    private let identity = ContentHash(of: [1])

    init() throws {
        let key = PublicKey(bytes: [UInt8](repeating: 1, count: 32)).unsafelyUnwrapped
        service = try WorkerService(
            settings: WorkerSettings(
                software: "test", cores: 1, memoryBytes: 1, keys: Enrol(curveKey: key, signingKey: key),
                hasInvitation: false, modelDirectory: nil, jitterSeed: 1),
            folder: WorkerFolder(path: NSTemporaryDirectory() + "shoal-worker-\(UUID().uuidString)"), link: link,
            loop: InlineExecutor(), runner: IdleRunner(), observe: { _ in })
    }

    private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0).advanced(bySeconds: seconds) }

    private func hear(_ message: Message, at seconds: Double, round: UInt32 = 0) {
        service.receive(
            Envelope(id: 1, run: "run", round: round, attempt: 1, message: message), payload: nil, at: at(seconds))
    }

    private func tick(from start: Double, to end: Double) {
        var now = at(start)
        while now < at(end) { now = max(service.tick(at: now) ?? at(end), now.advanced(bySeconds: 0.001)) }
    }

    private func open() throws {
        service.connectionChanged(.connected, at: at(0))
        let worker = try #require(WorkerName("a"))
        hear(
            .welcome(
                Welcome(
                    software: "", features: [], worker: worker, heartbeatMilliseconds: 1_000, baseModel: identity,
                    sequenceLength: 8)), at: 0)
    }

    private func offer(_ lease: UInt64) -> Message {
        .offer(
            Offer(
                lease: lease, task: .train, leaseMilliseconds: 10_000, deadlineMilliseconds: nil, baseModel: identity,
                adapter: identity, adapterOptions: AdapterOptions(), training: TrainingOptions(), uplink: .dense,
                seed: 0))
    }

    private var accepted: [UInt64] {
        link.sent.compactMap { if case .accept(let accept) = $0.message { accept.lease } else { nil } }
    }

    @Test func helloIsRepeatedLessAndLessOften() {
        service.connectionChanged(.connected, at: at(0))
        tick(from: 0, to: 10)
        let early = link.helloCount
        tick(from: 10, to: 310)
        let late = link.helloCount - early
        // The delay doubles from 1 s to 30 s, give or take half.
        #expect((3...6).contains(early))
        #expect((6...25).contains(late))
    }

    @Test func nothingIsSaidWhileThereIsNoConnection() {
        tick(from: 0, to: 60)
        #expect(link.sent.isEmpty)
        #expect(!service.isFinished)
    }

    @Test func heartbeatsGoOnWhateverTheTaskDoes() throws {
        try open()
        hear(offer(5), at: 0, round: 1)
        for second in 0..<20 {
            tick(from: Double(second), to: Double(second + 1))
            hear(.heartbeat(Heartbeat(phase: .idle)), at: Double(second + 1))
        }
        #expect((18...21).contains(link.heartbeats.count))
        #expect(link.heartbeats.allSatisfy { $0.lease == 5 })
    }

    @Test func aSilentCoordinatorIsSoughtOnANewConnectionAndNeverEndsTheWorker() throws {
        try open()
        tick(from: 0, to: 4.9)
        #expect(link.reconnects.isEmpty)
        tick(from: 4.9, to: 6)
        #expect(link.reconnects == [.own])
        service.connectionChanged(.disconnected(reason: "gone"), at: at(6))
        tick(from: 6, to: 10_000)
        #expect(!service.isFinished)
        let before = link.helloCount
        service.connectionChanged(.connected, at: at(10_000))
        #expect(link.helloCount == before + 1)
    }

    @Test func anOldOfferDoesNotEndANewerTask() throws {
        try open()
        hear(offer(1), at: 0, round: 1)
        hear(offer(2), at: 0, round: 2)
        hear(offer(1), at: 0, round: 1)
        #expect(accepted == [1, 2])
        // The same offer again is answered again.
        hear(offer(2), at: 0, round: 2)
        #expect(accepted == [1, 2, 2])
    }

    @Test func cancelFreesTheWorkerForTheNextOffer() throws {
        try open()
        hear(offer(1), at: 0, round: 1)
        hear(.cancel(Cancel(lease: 1, reason: "closed")), at: 0)
        tick(from: 0, to: 1.5)
        #expect(link.heartbeats.last?.lease == 0)
    }

    @Test func aRefusalThatMayPassKeepsTheWorkerAndAFinalOneEndsItWithTheReason() throws {
        try open()
        hear(.refused(Refused(code: .unavailable, reason: "busy", isTemporary: true)), at: 0)
        #expect(!service.isFinished)
        hear(.refused(Refused(code: .notEnrolled, reason: "revoked")), at: 0)
        #expect(service.outcome == .failed(reason: "revoked"))
    }

    @Test func oneRefusedHandshakeIsNotTheEndButThreeAre() {
        for _ in 0..<2 { service.connectionChanged(.refused(reason: "unknown key"), at: at(0)) }
        #expect(!service.isFinished)
        service.connectionChanged(.refused(reason: "unknown key"), at: at(0))
        #expect(service.outcome == .failed(reason: "unknown key"))
    }

    @Test func theEndOfTheRunIsAnsweredAndEndsTheWorker() throws {
        try open()
        hear(.goodbye(Goodbye(reason: "", isRunFinished: false)), at: 0)
        #expect(!service.isFinished)
        hear(.goodbye(Goodbye(reason: "", isRunFinished: true)), at: 0)
        #expect(service.outcome == .finished)
        guard case .goodbye? = link.sent.last?.message else {
            Issue.record("no goodbye was said")
            return
        }
    }

    @Test func aStoppedWorkerSaysGoodbye() throws {
        try open()
        service.requestStop()
        #expect(service.outcome == .stopped)
        guard case .goodbye? = link.sent.last?.message else {
            Issue.record("no goodbye was said")
            return
        }
    }
}
