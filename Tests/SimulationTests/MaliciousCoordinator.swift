import Federation
import ModelFiles
import Recipe
import Simulation
import Wire
import Worker

/// A coordinator that asks whatever a test tells it to, and takes all that comes.
final class MaliciousCoordinator: CoordinatorService {
    let link: MemoryLink
    let adapter: [UInt8]
    let baseModel = ContentHash(of: Array("base".utf8))
    /// What it says it can do.
    var features = [Feature.frugalUplink, Feature.roundRecords, Feature.privateUpdates]
    private(set) var declines: [Decline] = []
    private(set) var updates: [(commit: UpdateCommit, bytes: [UInt8])] = []
    private(set) var reports: [Report] = []
    private(set) var maskSteps = 0
    private var peer: Peer?
    private var lastMessage: UInt64 = 0
    private var lastLease: UInt64 = 0

    static let run = RunID(bits: 77)
    static let name = Conversation.name("clinic")

    struct AdmitsTheWorker: Admission {
        func role(of key: PublicKey) -> PeerRole? { .worker(MaliciousCoordinator.name) }
    }

    init(adapter: [UInt8]) {
        link = MemoryLink(admission: AdmitsTheWorker(), seed: 3)
        self.adapter = adapter
        link.attach(self)
    }

    var isFinished: Bool { false }
    func tick(at now: Instant) -> Instant? { nil }
    func receive(malformed error: WireError, from peer: Peer, at now: Instant) {}

    func receive(_ envelope: Envelope, payload: [UInt8]?, from peer: Peer, at now: Instant) {
        self.peer = peer
        switch envelope.message {
        case .hello:
            say(
                .welcome(
                    Welcome(
                        software: "evil", features: features, worker: Self.name, heartbeatMilliseconds: 1_000,
                        baseModel: baseModel, sequenceLength: 64)), answering: envelope.id)
        case .heartbeat: say(.heartbeat(Heartbeat(phase: .idle)), answering: envelope.id)
        case .accept(let accept) where accept.adapterCredit > 0: serve(answering: envelope.id)
        case .objectRequest: serve(answering: envelope.id)
        case .decline(let decline): declines.append(decline)
        case .updateWhole(let commit):
            updates.append((commit, payload ?? []))
            say(.updateAck(UpdateAck(lease: commit.lease, state: .committed)), answering: envelope.id)
        case .maskStep: maskSteps += 1
        case .report(let report):
            reports.append(report)
            say(.updateAck(UpdateAck(lease: report.lease, state: .committed)), answering: envelope.id)
        default: break
        }
    }

    private func serve(answering id: UInt64) {
        let chunk = ObjectChunk(object: ContentHash(of: adapter), offset: 0, totalBytes: UInt64(adapter.count))
        say(.objectChunk(chunk), payload: adapter, answering: id)
    }

    private func say(
        _ message: Message, payload: [UInt8]? = nil, answering id: UInt64 = 0, round: Int = 0, attempt: Int = 0
    ) {
        guard let peer else { return }
        lastMessage += 1
        link.coordinator.send(
            Envelope(
                id: lastMessage, inReplyTo: id, run: Self.run.text, round: UInt32(round), attempt: UInt32(attempt),
                message: message), payload: payload, to: peer)
    }

    /// What an honest coordinator would offer.
    func honestOffer(seed: UInt64) -> Offer {
        var offer = Offer(
            lease: 0, task: .train, leaseMilliseconds: 60_000, deadlineMilliseconds: nil, baseModel: baseModel,
            adapter: ContentHash(of: adapter), adapterOptions: AdapterOptions(rank: 2),
            training: TrainingOptions(localSteps: 8, batchSize: 8, sequenceLength: 64), uplink: .dense, seed: seed)
        offer.privacy = UpdatePrivacy(clip: 1, noiseDeviation: 1, withholdsMetrics: true)
        return offer
    }

    /// Offers a task under a new lease and lets the worker do what it will.
    func ask(round: Int, attempt: Int = 1, _ change: (inout Offer) -> Void = { _ in }) {
        // A round's seed is its own; a round that is asked again has the same one.
        var offer = honestOffer(seed: UInt64(100 * round + attempt))
        change(&offer)
        lastLease += 1
        offer.lease = lastLease
        say(.offer(offer), round: round, attempt: attempt)
        _ = link.run(limitSeconds: 30) { false }
    }
}
