public import Federation

/// Who is at the other end of a coordinator's connection, as the handshake proved it.
public enum PeerRole: Hashable, Sendable {
    /// Connected with a registered worker key.
    case worker(WorkerName)
    /// Connected with an invitation's single-use key: may only enrol.
    case invitation(id: String)
}

/// One live connection to the coordinator.
public struct Peer: Hashable, Sendable {
    /// The connection's routing identity; a reconnecting worker gets a new one.
    public let connection: [UInt8]
    public let role: PeerRole

    public init(connection: [UInt8], role: PeerRole) {
        self.connection = connection
        self.role = role
    }
}

/// What the coordinator's service sends through. Transport and the in-memory link implement it.
///
/// Sending never blocks. A message that cannot be delivered (peer gone, queue full) is dropped: whoever needs an
/// answer retransmits.
public protocol CoordinatorLink: AnyObject {
    func send(_ envelope: Envelope, payload: [UInt8]?, to peer: Peer)
    /// Ends a peer's live connection (a revoked key).
    func disconnect(_ peer: Peer)
    /// Frame bytes before encryption, envelopes included, since the start.
    var sentBytes: UInt64 { get }
    var receivedBytes: UInt64 { get }
}

/// What a worker's service sends through.
public protocol WorkerLink: AnyObject {
    func send(_ envelope: Envelope, payload: [UInt8]?)
    /// Drops the connection and opens a new one with these keys.
    func reconnect(with keys: WorkerLinkKeys)
}

/// Which of its key pairs a worker connects with.
public enum WorkerLinkKeys: Hashable, Sendable {
    case invitation
    case own
}

/// A coordinator as the loop drives it: synchronous, single-threaded, told the time.
public protocol CoordinatorService: AnyObject {
    func receive(_ envelope: Envelope, payload: [UInt8]?, from peer: Peer, at now: Instant)
    /// A frame that did not decode: the peer gets a `Refused`.
    func receive(malformed error: WireError, from peer: Peer, at now: Instant)
    /// Does what is due; returns when to be called next at the latest (`nil`: nothing scheduled).
    func tick(at now: Instant) -> Instant?
    /// Whether the loop should end once what was sent has left.
    var isFinished: Bool { get }
}

/// What a worker's link knows about its connection. The link keeps trying by itself after every state but `connected`.
public enum ConnectionState: Hashable, Sendable {
    /// The handshake is done: messages flow. A session opened before it is gone; say `Hello` (or `Enrol`) again.
    case connected
    /// The connection ended, or could not be made; the reason is a sentence for people.
    case disconnected(reason: String)
    /// The handshake failed: this worker's key is unknown or revoked, its invitation is used up or expired, or the
    /// coordinator's key in the join file is not the coordinator's. The reason says what to do.
    case refused(reason: String)
}

/// A worker as the loop drives it.
public protocol WorkerServiceProtocol: AnyObject {
    /// Called when the state becomes another one, and once more for every refused attempt.
    func connectionChanged(_ state: ConnectionState, at now: Instant)
    func receive(_ envelope: Envelope, payload: [UInt8]?, at now: Instant)
    func receive(malformed error: WireError, at now: Instant)
    func tick(at now: Instant) -> Instant?
    var isFinished: Bool { get }
}

/// Runs closures on the loop's own thread, from any thread.
public protocol LoopExecutor: Sendable {
    func post(_ work: @escaping @Sendable () -> Void)
}

/// Decides who may complete a handshake.
///
/// Asked at every handshake on a thread of the transport's, and on the loop's thread at a connection's first message
/// and after `disconnect`; what it answers from must be safe to share and quick to read.
public protocol Admission: Sendable {
    /// The role that a CURVE public key has now, or `nil` to refuse it.
    ///
    /// - Throws: If that cannot be told now: the peer is not admitted, and must not take it for a refusal.
    func role(of key: PublicKey) throws -> PeerRole?
}
