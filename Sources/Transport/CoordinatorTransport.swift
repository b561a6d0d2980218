import CZeroMQ
public import Federation
public import Logging
import Synchronization
public import Wire

/// How a coordinator's link is protected.
public enum CoordinatorSecurity: Sendable {
    /// CURVE with these keys: encrypted, and every peer's key proven.
    case curve(CurveKeyPair)
    /// Plain text. A peer claims its public key instead of proving it: for experiments on one machine only.
    case insecure
}

/// The coordinator's end of the link: a ROUTER socket driven by the thread that calls `run`.
///
/// `send`, `disconnect` and the service's calls happen on that thread (before `run` on the creating one); `post`,
/// `stop` and the counters from any.
///
/// `@unchecked Sendable`: the socket and the table of connections are touched only by the creating thread and then,
/// after a hand-over that some synchronisation must order anyway, by the one that runs the loop; the rest is
/// immutable or synchronises itself.
public final class CoordinatorTransport: CoordinatorLink, LoopExecutor, @unchecked Sendable {
    /// Where workers reach the socket, with the port that port 0 or `*` became.
    public let boundEndpoint: String

    /// Messages handled between two looks at the socket, the mailbox and the clock, and the payload at which it is enough.
    private static let batchMax = 256
    private static let batchBytes = 16 << 20

    private let admission: any Admission
    private let clock: @Sendable () -> Instant
    private let mailbox: LoopMailbox
    private let gate: AdmissionGate
    /// `nil` once closed.
    private var context: MessagingContext?
    private var socket: MessagingSocket?
    private var connections = Connections()
    private var backlog = Backlog()
    private let sent = Atomic<UInt64>(0)
    private let received = Atomic<UInt64>(0)

    /// Binds; handshakes are answered from here on, messages once `run` is called.
    ///
    /// - Parameters:
    ///   - endpoint: `tcp://ADDRESS:PORT`; port 0 or `*` takes a free one.
    ///   - admission: Asked on another thread at every handshake and again at each connection's first message.
    /// - Throws: When the address cannot be bound.
    public init(
        bindingTo endpoint: String, security: CoordinatorSecurity, admission: any Admission,
        clock: @escaping @Sendable () -> Instant = MonotonicClock.now,
        logger: Logger = Logger(label: "shoal.transport")
    ) throws(TransportError) {
        if let problem = TCPEndpoint.problem(bindingTo: endpoint) { throw .invalidEndpoint(endpoint, reason: problem) }
        DescriptorLimit.raise()
        let context = try MessagingContext()
        let socket = try MessagingSocket(ZMQ_ROUTER, in: context)
        try socket.setLinkOptions()
        // A send to a peer that is gone or full then fails visibly, and is dropped here without being counted.
        try socket.set(ZMQ_ROUTER_MANDATORY, to: 1 as Int32)
        try socket.set(ZMQ_BACKLOG, to: 1_024 as Int32)
        try socket.set(ZMQ_ZAP_DOMAIN, to: Array("shoal".utf8))
        let mechanism: String
        switch security {
        case .curve(let keys):
            mechanism = "CURVE"
            try socket.set(ZMQ_CURVE_SERVER, to: 1 as Int32)
            try socket.set(ZMQ_CURVE_SECRETKEY, to: keys.secretKey)
        case .insecure:
            mechanism = "PLAIN"
            try socket.set(ZMQ_PLAIN_SERVER, to: 1 as Int32)
        }
        try socket.allowIPv6(for: endpoint)
        let mailbox = try LoopMailbox()
        let gate = try AdmissionGate(admission, mechanism: mechanism, in: context, logger: logger)
        do {
            try socket.bind(to: endpoint)
            boundEndpoint = try socket.lastEndpoint()
        } catch {
            context.shutDown()
            gate.join()
            throw error
        }
        self.admission = admission
        self.clock = clock
        self.mailbox = mailbox
        self.gate = gate
        self.context = context
        self.socket = consume socket
    }

    deinit { close() }

    /// Drives the service until it is finished or `stop` is called; then sends what is queued, for a second at most,
    /// and closes. Call it once. To let the service say goodbye, post a closure that finishes it instead of `stop`.
    public func run(service: any CoordinatorService) {
        precondition(context != nil, "a coordinator's transport runs once")
        let frames = ReceivedFrames()
        while !mailbox.isStopped {
            mailbox.runPosted()
            let next = service.tick(at: clock())
            if service.isFinished { break }
            wait(until: next)
            receiveBatch(frames, for: service)
        }
        close()
    }

    /// Ends the loop soon. From any thread, or a signal handler.
    public func stop() {
        mailbox.stop()
    }

    public func post(_ work: @escaping @Sendable () -> Void) {
        mailbox.post(work)
    }

    public var sentBytes: UInt64 { sent.load(ordering: .relaxed) }
    public var receivedBytes: UInt64 { received.load(ordering: .relaxed) }

    public func send(_ envelope: Envelope, payload: [UInt8]?, to peer: Peer) {
        precondition((payload != nil) == envelope.message.takesPayload, "\(envelope.message.kind): wrong frames")
        precondition(payload?.count ?? 0 <= WireLimits.payloadBytes, "payload over its limit")
        // A connection's identity alone could have come back with another peer behind it.
        guard let entry = connections[peer.connection], entry.role == peer.role, !entry.isEnded else { return }
        guard socket?.send(peer.connection, more: true) == true else {
            connections.remove(peer.connection)
            return
        }
        let bytes = WireCodec.encode(envelope)
        guard socket?.send(bytes, more: payload != nil) == true else { return }
        if let payload { _ = socket?.send(sharing: payload, more: false) }
        sent.add(UInt64(bytes.count + (payload?.count ?? 0)), ordering: .relaxed)
    }

    /// Ends the peer's connection, and any other one with its key that admission does not allow any longer, or cannot tell.
    public func disconnect(_ peer: Peer) {
        guard let entry = connections[peer.connection], entry.role == peer.role else { return }
        connections.end(peer.connection)
        guard (try? admission.role(of: entry.key)) == nil else { return }
        for connection in connections.connections(with: entry.key) { connections.end(connection) }
    }

    private func wait(until next: Instant?) {
        var poll = LoopPoll(mailbox)
        switch socket {
        case .some(let socket): poll.add(socket)
        case .none: break
        }
        let now = clock()
        poll.wait(until: backlog.isEmpty ? next : now, now: now)
    }

    private func receiveBatch(_ frames: ReceivedFrames, for service: any CoordinatorService) {
        takeArrived(frames, for: service)
        var bytes = 0
        for _ in 0..<Self.batchMax where bytes < Self.batchBytes && !service.isFinished {
            guard let message = backlog.next() else { return }
            bytes += message.byteCount
            deliver(message, to: service)
        }
    }

    /// Takes what has arrived off the socket. Greetings are handled at once: a worker that joins does not wait behind the
    /// updates of all the others; as many as a batch has, so that nobody who greets without end keeps the rest waiting.
    private func takeArrived(_ frames: ReceivedFrames, for service: any CoordinatorService) {
        var greetings = 0
        for _ in 0..<Backlog.countMax {
            guard backlog.hasRoom, greetings < Self.batchMax, !service.isFinished else { return }
            let isWhole: Bool
            switch socket {
            case .some(let socket): isWhole = frames.receive(from: socket, hasIdentity: true)
            case .none: isWhole = false
            }
            guard isWhole else { return }
            guard let message = read(frames) else { continue }
            guard message.isGreeting else {
                backlog.add(message)
                continue
            }
            greetings += 1
            deliver(message, to: service)
        }
    }

    /// `nil` for what is not to be handled.
    private func read(_ frames: ReceivedFrames) -> ArrivedMessage? {
        // The identity frame carries no properties; without a frame behind it the envelope is an earlier message's.
        guard frames.count > 0 else { return nil }
        received.add(UInt64(frames.byteCount), ordering: .relaxed)
        guard let peer = peer(of: Array(frames.identity.bytes), frames) else { return nil }
        let content = Result { () throws(WireError) in try frames.decode() }
        return ArrivedMessage(
            peer: peer, content: content, payload: (try? content.get()).flatMap { frames.payload(of: $0) },
            byteCount: frames.byteCount)
    }

    private func deliver(_ message: ArrivedMessage, to service: any CoordinatorService) {
        // Ended since it came.
        guard connections[message.peer.connection]?.isEnded != true else { return }
        switch message.content {
        case .success(let envelope):
            service.receive(envelope, payload: message.payload, from: message.peer, at: clock())
        case .failure(let error): service.receive(malformed: error, from: message.peer, at: clock())
        }
    }

    /// Who sent the message: the key that the handshake proved, never anything that the message says.
    private func peer(of connection: [UInt8], _ frames: ReceivedFrames) -> Peer? {
        guard let text = frames.envelope.property("User-Id"), let key = PublicKey(z85: text) else { return nil }
        if let entry = connections[connection], entry.key == key {
            return entry.isEnded ? nil : Peer(connection: connection, role: entry.role)
        }
        // Asked again: the key may have been revoked between the handshake and this first message.
        let role = try? admission.role(of: key)
        connections.add(
            connection, key: key, role: role ?? .invitation(id: ""), descriptor: frames.envelope.descriptor)
        guard let role else {
            connections.end(connection)
            return nil
        }
        return Peer(connection: connection, role: role)
    }

    private func close() {
        guard context != nil else { return }
        socket = nil
        context?.shutDown()
        gate.join()
        context = nil
    }
}
