import Federation
import Foundation
import ModelFiles
import Randomness
import Recipe
import RunFile
import Testing
import Wire
import Worker

/// One worker on a hand-cranked clock: the test plays the coordinator, the network and the trainer.
final class WorkerBench {
    let folder: String
    let link = RecordingLink()
    let runner = ScriptedRunner()
    var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var events: [WorkerEvent] = []
    private(set) var service: WorkerService?
    private(set) var owner: OwnerGuard?
    /// What the worker asked to be called at.
    private(set) var due: Instant?
    private var nextID: UInt64 = 1

    static let run = RunID(bits: 0xabc)
    static let heartbeatSeconds = 2.0
    static let curveKey = PublicKey(bytes: [UInt8](repeating: 1, count: 32)).unsafelyUnwrapped
    static let signingKey = PublicKey(bytes: [UInt8](repeating: 2, count: 32)).unsafelyUnwrapped
    static let name = WorkerName("clinic").unsafelyUnwrapped

    let layout = AdapterLayout([("a.lora_A.weight", [2, 3]), ("a.lora_B.weight", [5, 2])])
    var global: [Float] { (0..<16).map { Float($0) / 4 } }
    var adapter: [UInt8] { AdapterObject.encode(layout: layout, values: global) }
    let baseModel = ContentHash(of: Array("base".utf8))

    init() {
        folder = NSTemporaryDirectory() + "shoal-worker-\(UUID().uuidString)"
    }

    deinit {
        service = nil
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Starts the worker's process, for the first time or again on the same folder.
    func start(
        hasInvitation: Bool = false, downloadsModel: Bool = false, chunkBytes: Int = 4, policy: OwnerPolicy? = nil,
        coordinatorKeys: (any CoordinatorKeyMemory)? = nil, metricsMinimumExamples: Int = 0
    ) throws {
        service = nil
        owner = nil
        link.sent = []
        var settings = WorkerSettings(
            software: "test", cores: 3, memoryBytes: 1 << 30, curveKey: Self.curveKey, signingKey: Self.signingKey,
            hasInvitation: hasInvitation,
            model: downloadsModel ? nil : HeldModel(path: "/models/base", identity: baseModel))
        settings.chunkBytes = chunkBytes
        settings.metricsMinimumExamples = metricsMinimumExamples
        settings.coordinatorKeys = coordinatorKeys
        let state = try WorkerState(folder: folder)
        owner = try policy.map { policy throws in
            try OwnerGuard(policy, state: state) { OwnerMoment(minute: 0, isOnMains: true) }
        }
        service = WorkerService(
            settings: settings, state: state, link: link, loop: NoLoop(), runner: runner, owner: owner,
            backoff: StreamKey(seed: 5, purpose: .backoff).generator(),
            observer: { [weak self] in self?.events.append($0) })
        tick()
    }

    func tick() { due = service?.tick(at: now) }

    func advance(_ seconds: Double) {
        now = now.advanced(bySeconds: seconds)
        tick()
    }

    func connection(_ state: ConnectionState) {
        service?.connectionChanged(state, at: now)
        tick()
    }

    func receive(
        _ message: Message, answering id: UInt64 = 0, round: UInt32 = 0, attempt: UInt32 = 0, payload: [UInt8]? = nil,
        run: RunID = WorkerBench.run
    ) {
        defer { nextID += 1 }
        let envelope = Envelope(
            id: nextID, inReplyTo: id, run: run.text, round: round, attempt: attempt, message: message)
        service?.receive(envelope, payload: payload, at: now)
        tick()
    }

    /// What was sent since the last call.
    func sent() -> [RecordingLink.Sent] {
        defer { link.sent = [] }
        return link.sent
    }

    /// Message kinds sent since the last call, heartbeats left out.
    func kinds() -> [String] { sent().map(\.envelope.message.kind).filter { $0 != "Heartbeat" } }

    func forgetSent() { link.sent = [] }

    /// Connects and opens a session.
    func openSession(baseModel: ContentHash? = nil, features: [String] = []) {
        connection(.connected)
        receive(.welcome(welcome(baseModel: baseModel, features: features)))
        forgetSent()
    }

    func welcome(baseModel: ContentHash? = nil, features: [String] = []) -> Welcome {
        Welcome(
            software: "test", features: features, worker: Self.name,
            heartbeatMilliseconds: UInt32(Self.heartbeatSeconds * 1_000), baseModel: baseModel ?? self.baseModel,
            sequenceLength: 8)
    }

    func offer(
        lease: UInt64 = 7, task: Offer.Task = .train, uplink: CodecName = .dense, baseModel: ContentHash? = nil
    ) -> Offer {
        Offer(
            lease: lease, task: task, leaseMilliseconds: 10_000, deadlineMilliseconds: nil,
            baseModel: baseModel ?? self.baseModel, adapter: ContentHash(of: adapter),
            adapterOptions: AdapterOptions(rank: 2), training: TrainingOptions(localSteps: 3), uplink: uplink, seed: 99)
    }

    /// Answers an object request found among `sent` with chunks of `size` bytes.
    func serve(_ objects: [[UInt8]], _ sent: [RecordingLink.Sent], size: Int = 100, corrupting: Bool = false) {
        for item in sent {
            guard case .objectRequest(let request) = item.envelope.message,
                let object = objects.first(where: { ContentHash(of: $0) == request.object })
            else { continue }
            var offset = Int(request.offset)
            repeat {
                let end = min(object.count, offset + size)
                var part = Array(object[offset..<end])
                if corrupting, !part.isEmpty { part[0] ^= 1 }
                receive(
                    .objectChunk(
                        ObjectChunk(
                            object: request.object, offset: UInt64(offset), totalBytes: UInt64(object.count))),
                    answering: item.envelope.id, payload: part)
                offset = end
            } while offset < object.count
        }
    }

    /// Serves whatever is asked for until nothing more is.
    func serveAll(_ objects: [[UInt8]], corrupting: Bool = false) {
        var sent = sent()
        while sent.contains(where: { $0.envelope.message.kind == "ObjectRequest" }) {
            serve(objects, sent, corrupting: corrupting)
            sent = self.sent()
        }
    }

    /// A session in which the trainer is at work on round 4, attempt 1.
    func beginTask(_ offer: Offer? = nil) {
        openSession()
        receive(.offer(offer ?? self.offer()), round: 4, attempt: 1)
        serveAll([adapter])
    }

    /// What the trainer adds to the global adapter: exact in float32.
    var delta: [Float] { (0..<16).map { Float($0 - 8) / 16 } }

    func finishTraining() {
        runner.report(
            .trained(
                values: zip(global, delta).map { $0 + $1 }, trainingItems: 11, steps: 3, tokens: 192, meanLoss: 1.25))
        tick()
    }

    /// Declines sent since the last call of ``sent()``.
    var declines: [Decline] {
        link.sent.compactMap { if case .decline(let decline) = $0.envelope.message { decline } else { nil } }
    }

    var failure: String? {
        if case .failed(let reason) = service?.outcome { reason } else { nil }
    }

    /// The pending update's files; none without its record, for then its bytes mean nothing.
    var pendingFiles: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/pending"))?.sorted() ?? []
        return names == ["update.bin"] ? [] : names
    }
}

/// A link that keeps what is sent.
final class RecordingLink: WorkerLink {
    struct Sent {
        let envelope: Envelope
        let payload: [UInt8]?
    }

    var sent: [Sent] = []
    private(set) var reconnects: [WorkerLinkKeys] = []

    func send(_ envelope: Envelope, payload: [UInt8]?) { sent.append(Sent(envelope: envelope, payload: payload)) }
    func reconnect(with keys: WorkerLinkKeys) { reconnects.append(keys) }
}

/// A trainer that says what the test says.
final class ScriptedRunner: TaskRunning {
    private(set) var started: [LocalTask] = []
    private(set) var cancelled: [UInt64] = []
    private var reports: [@Sendable (TaskEvent) -> Void] = []

    func start(_ task: LocalTask, report: @escaping @Sendable (TaskEvent) -> Void) {
        started.append(task)
        reports.append(report)
    }

    func cancel(lease: UInt64) { cancelled.append(lease) }

    /// As the task started last.
    func report(_ event: TaskEvent) { reports.last?(event) }

    func report(_ event: TaskEvent, asTask index: Int) { reports[index](event) }
}

/// The bench ticks by itself after everything.
struct NoLoop: LoopExecutor {
    func post(_ work: @escaping @Sendable () -> Void) { work() }
}

extension Array where Element == RecordingLink.Sent {
    var heartbeats: [Heartbeat] {
        compactMap { if case .heartbeat(let heartbeat) = $0.envelope.message { heartbeat } else { nil } }
    }

    func first(_ kind: String) -> Envelope? { first { $0.envelope.message.kind == kind }?.envelope }
}
