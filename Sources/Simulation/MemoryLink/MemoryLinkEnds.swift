import Federation
public import Wire

/// The coordinator's end of a ``MemoryLink``.
public final class MemoryCoordinatorLink: CoordinatorLink {
    weak var network: MemoryLink?
    public private(set) var sentBytes: UInt64 = 0
    public internal(set) var receivedBytes: UInt64 = 0

    public func send(_ envelope: Envelope, payload: [UInt8]?, to peer: Peer) {
        sentBytes += network?.send(envelope, payload: payload, to: .worker(peer)) ?? 0
    }

    public func disconnect(_ peer: Peer) {
        network?.disconnect(peer)
    }

    /// A new process counts from 0.
    public func resetCounters() {
        sentBytes = 0
        receivedBytes = 0
    }
}

/// One worker's end of a ``MemoryLink``.
public final class MemoryWorkerLink: WorkerLink {
    let keys: [WorkerLinkKeys: PublicKey]
    private weak var network: MemoryLink?
    var service: (any WorkerServiceProtocol)?
    var current = WorkerLinkKeys.own
    /// The live connection as the coordinator sees it.
    var peer: Peer?
    var connectAt: Instant?
    var due: Instant?
    var isReportedGone = false

    init(keys: [WorkerLinkKeys: PublicKey], network: MemoryLink) {
        self.keys = keys
        self.network = network
    }

    public func send(_ envelope: Envelope, payload: [UInt8]?) {
        guard let peer, let network else { return }
        _ = network.send(envelope, payload: payload, to: .coordinator(from: peer))
    }

    public func reconnect(with keys: WorkerLinkKeys) {
        current = keys
        peer = nil
        connectAt = network?.now
    }
}
