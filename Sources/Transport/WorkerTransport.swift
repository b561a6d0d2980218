import CZeroMQ
public import Federation
import Synchronization
public import Wire

/// How a worker's link is protected.
public enum WorkerSecurity: Sendable {
    /// CURVE: encrypted, and the coordinator proves that it holds this key.
    case curve(coordinatorKey: PublicKey)
    /// Plain text, nobody proves anything: for experiments on one machine only.
    case insecure
}

/// The pauses between attempts to connect. Unit: milliseconds.
public struct ReconnectPauses: Hashable, Sendable {
    /// After a lost connection; libzmq doubles it each time and adds a random part.
    public var firstMilliseconds: Int32
    public var lastMilliseconds: Int32
    /// After a refusal, which seldom heals by itself; doubled each time up to thirty times this.
    public var refusedMilliseconds: Int32

    public init(firstMilliseconds: Int32 = 100, lastMilliseconds: Int32 = 10_000, refusedMilliseconds: Int32 = 1_000) {
        self.firstMilliseconds = firstMilliseconds
        self.lastMilliseconds = lastMilliseconds
        self.refusedMilliseconds = refusedMilliseconds
    }
}

/// The worker's end of the link: a DEALER socket driven by the thread that calls `run`.
///
/// `send`, `reconnect` and the service's calls happen on that thread; `post` and `stop` from any. While there is no
/// connection, what is sent is dropped: nothing old arrives late.
///
/// `@unchecked Sendable`: the socket and the connection's state are touched only by the thread that runs the loop
/// (before that by the creating one); the rest is immutable or synchronises itself.
public final class WorkerTransport: WorkerLink, LoopExecutor, @unchecked Sendable {
    /// Messages handled between two looks at the mailbox and the clock.
    private static let batchMax = 64

    private let endpoint: String
    private let security: WorkerSecurity
    private let keyMemory: (any CoordinatorKeyMemory)?
    /// Which of the memory's keys is asked for.
    private var keyIndex = 0
    private var askedKey: PublicKey?
    private let own: CurveKeyPair
    private let invitation: CurveKeyPair?
    private let pauses: ReconnectPauses
    private let clock: @Sendable () -> Instant
    private let warn: @Sendable (String) -> Void
    private let mailbox: LoopMailbox
    /// `nil` once closed.
    private var context: MessagingContext?
    private var connection: Connection?
    private var keys: WorkerLinkKeys
    private var progress: ConnectionProgress
    /// Set by `reconnect`, done between two messages.
    private var mustReopen = true

    /// A socket and what watches it.
    private struct Connection: ~Copyable {
        let monitor: ConnectionMonitor
        let socket: MessagingSocket

        // First of all: libzmq's I/O thread would wait for ever for the reader of an event that comes while both close.
        deinit { zmq_socket_monitor(socket.handle, nil, 0) }
    }

    /// Connects once `run` is called.
    ///
    /// - Parameters:
    ///   - endpoint: `tcp://HOST:PORT`.
    ///   - keyMemory: Which keys the coordinator may have, in place of the one in `security`; touched by the loop's
    ///     thread alone.
    ///   - own: The worker's keys.
    ///   - invitation: The invitation's keys, if `.invitation` is ever asked for.
    ///   - keys: Which to connect with first.
    ///   - context: Shared by the connections of one process; `nil`: one of its own.
    ///   - warn: Told what goes wrong without ending anything, in sentences for people; on the loop's thread.
    public init(
        connectingTo endpoint: String, security: WorkerSecurity, keyMemory: (any CoordinatorKeyMemory)? = nil,
        own: CurveKeyPair, invitation: CurveKeyPair?,
        first keys: WorkerLinkKeys, pauses: ReconnectPauses = ReconnectPauses(), in context: MessagingContext? = nil,
        clock: @escaping @Sendable () -> Instant = MonotonicClock.now,
        warn: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(TransportError) {
        if let problem = TCPEndpoint.problem(connectingTo: endpoint) {
            throw .invalidEndpoint(endpoint, reason: problem)
        }
        precondition(keys == .own || invitation != nil, "an invitation's keys are needed to connect with them")
        self.endpoint = endpoint
        self.security = security
        self.keyMemory = keyMemory
        self.own = own
        self.invitation = invitation
        self.keys = keys
        self.pauses = pauses
        self.clock = clock
        self.warn = warn
        mailbox = try LoopMailbox()
        if let context { self.context = context } else { self.context = try MessagingContext() }
        progress = ConnectionProgress(endpoint: endpoint, pauses: pauses)
    }

    deinit { close() }

    /// Connects and drives the service until it is finished or `stop` is called; then sends what is queued, for a
    /// second at most, and closes. Call it once.
    ///
    /// - Throws: When the system has no socket left to open.
    public func run(service: any WorkerServiceProtocol) throws(TransportError) {
        precondition(context != nil, "a worker's transport runs once")
        defer { close() }
        let frames = ReceivedFrames()
        let frame = MessageFrame()
        while !mailbox.isStopped {
            mailbox.runPosted()
            let next = service.tick(at: clock())
            if service.isFinished { break }
            if mustReopen || progress.isReopeningDue(at: clock()) { try open() }
            wait(until: [next, progress.reopening].compactMap { $0 }.min())
            followConnection(frame, for: service)
            receiveBatch(frames, for: service)
        }
    }

    /// Ends the loop soon. From any thread, or a signal handler.
    public func stop() {
        mailbox.stop()
    }

    public func post(_ work: @escaping @Sendable () -> Void) {
        mailbox.post(work)
    }

    public func send(_ envelope: Envelope, payload: [UInt8]?) {
        precondition((payload != nil) == envelope.message.takesPayload, "\(envelope.message.kind): wrong frames")
        precondition(payload?.count ?? 0 <= WireLimits.payloadBytes, "payload over its limit")
        guard !mustReopen else { return }
        guard connection?.socket.send(WireCodec.encode(envelope), more: payload != nil) == true else { return }
        if let payload { _ = connection?.socket.send(sharing: payload, more: false) }
    }

    /// Sends frames as they are: lets tests behave as no worker would.
    package func sendUnchecked(_ frames: [[UInt8]]) {
        for (index, frame) in frames.enumerated() {
            guard connection?.socket.send(frame, more: index < frames.count - 1) == true else { return }
        }
    }

    public func reconnect(with keys: WorkerLinkKeys) {
        precondition(keys == .own || invitation != nil, "an invitation's keys are needed to connect with them")
        self.keys = keys
        mustReopen = true
    }

    private func open() throws(TransportError) {
        guard let context else { return }
        // The old socket closes first; what it holds may still leave while it lingers.
        connection = nil
        mustReopen = false
        let socket = try MessagingSocket(ZMQ_DEALER, in: context)
        try socket.setLinkOptions()
        // No queue without a connection: an answer to something long past would only confuse.
        try socket.set(ZMQ_IMMEDIATE, to: 1 as Int32)
        try socket.set(ZMQ_RECONNECT_IVL, to: pauses.firstMilliseconds)
        try socket.set(ZMQ_RECONNECT_IVL_MAX, to: pauses.lastMilliseconds)
        try socket.set(ZMQ_CONNECT_TIMEOUT, to: 10_000 as Int32)
        let pair = keys == .invitation ? invitation ?? own : own
        switch security {
        case .curve(let coordinatorKey):
            let known = keyMemory?.keys ?? []
            let key = known.isEmpty ? coordinatorKey : known[keyIndex % known.count]
            askedKey = key
            try socket.set(ZMQ_CURVE_SERVERKEY, to: key.bytes)
            try socket.set(ZMQ_CURVE_PUBLICKEY, to: pair.publicKey.bytes)
            try socket.set(ZMQ_CURVE_SECRETKEY, to: pair.secretKey)
        case .insecure: try socket.set(ZMQ_PLAIN_USERNAME, to: Array(pair.publicKey.z85.utf8))
        }
        try socket.allowIPv6(for: endpoint)
        let monitor = try ConnectionMonitor(of: socket, in: context)
        try socket.connect(to: endpoint)
        connection = Connection(monitor: monitor, socket: socket)
        progress.opened(at: clock())
    }

    private func wait(until next: Instant?) {
        var poll = LoopPoll(mailbox)
        switch connection {
        case .some(let connection):
            poll.add(connection.socket)
            connection.monitor.addTo(&poll)
        case .none: break
        }
        poll.wait(until: next, now: clock())
    }

    private func followConnection(_ frame: borrowing MessageFrame, for service: any WorkerServiceProtocol) {
        while !mustReopen, let event = connection?.monitor.next(frame) {
            // The service sends at once when told; the socket must know the connection by then.
            if event == .handshakeDone { connection?.socket.settle() }
            // One may have been announced since the connection was opened.
            if askedKey != nil { progress.keyCount = max(keyMemory?.keys.count ?? 1, 1) }
            let state = progress.follow(event, at: clock())
            if event == .handshakeDone { confirmKey() }
            if progress.wantsOtherKey {
                keyIndex += 1
                mustReopen = true
            }
            guard let state else { continue }
            service.connectionChanged(state, at: clock())
        }
    }

    /// The coordinator has proved which key it has. What the memory cannot keep now, it is told at the next connection.
    private func confirmKey() {
        guard let askedKey, let keyMemory, keyMemory.keys.first != askedKey else { return }
        do {
            try keyMemory.confirm(askedKey)
            keyIndex = 0
        } catch {
            warn(
                "the coordinator took over its announced key, and this cannot be kept: \(error); it is tried again at the "
                    + "next connection")
        }
    }

    private func receiveBatch(_ frames: ReceivedFrames, for service: any WorkerServiceProtocol) {
        for _ in 0..<Self.batchMax where !mustReopen && !service.isFinished {
            let isWhole: Bool
            switch connection {
            case .some(let connection): isWhole = frames.receive(from: connection.socket, hasIdentity: false)
            case .none: isWhole = false
            }
            guard isWhole else { return }
            do {
                let envelope = try frames.decode()
                service.receive(envelope, payload: frames.payload(of: envelope), at: clock())
            } catch {
                service.receive(malformed: error, at: clock())
            }
        }
    }

    private func close() {
        connection = nil
        context = nil
    }
}
