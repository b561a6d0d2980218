internal import Coordinator
internal import Federation
internal import ModelFiles
internal import Wire

/// A coordinator with a bug planted on purpose (``PlantedBug/doubleCount``): it takes an update that was sent again, for
/// want of an answer, for one of another worker.
final class DoubleCounting: CoordinatorService {
    private let service: RunService
    private let workers: [WorkerName]
    private let bytes: (ContentHash) -> [UInt8]?
    private var peers: [WorkerName: Peer] = [:]
    private var committed: Set<UInt64> = []

    /// - Parameter bytes: Of an update that a worker has sent.
    init(_ service: RunService, workers: [WorkerName], bytes: @escaping (ContentHash) -> [UInt8]?) {
        self.service = service
        self.workers = workers
        self.bytes = bytes
    }

    func receive(_ envelope: Envelope, payload: [UInt8]?, from peer: Peer, at now: Instant) {
        service.receive(envelope, payload: payload, from: peer, at: now)
        guard case .worker(let name) = peer.role else { return }
        peers[name] = peer
        let commit: UpdateCommit
        switch envelope.message {
        case .updateCommit(let sent), .updateWhole(let sent): commit = sent
        default: return
        }
        guard !committed.insert(commit.lease).inserted, let update = bytes(commit.object) else { return }
        for other in workers where other != name {
            guard let peer = peers[other] else { continue }
            var forged = commit
            forged.lease = Lease.identifier(
                run: FaultSchedule.run, round: Int(envelope.round), attempt: Int(envelope.attempt), worker: other,
                task: .train)
            var again = envelope
            again.message = .updateWhole(forged)
            service.receive(again, payload: update, from: peer, at: now)
        }
    }

    func receive(malformed error: WireError, from peer: Peer, at now: Instant) {
        service.receive(malformed: error, from: peer, at: now)
    }

    func tick(at now: Instant) -> Instant? { service.tick(at: now) }
    var isFinished: Bool { service.isFinished }
}
