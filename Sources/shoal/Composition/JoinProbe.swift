import Federation
import Transport
import Wire

/// A worker that joins a busy coordinator again and again, and notes how long each answer takes: from opening the
/// connection to the coordinator's `Welcome`.
///
/// `@unchecked Sendable`: the loop's thread alone touches the service's state from `start` on; the answers are read
/// after `stop`, which waits for that thread.
final class JoinProbe: WorkerServiceProtocol, @unchecked Sendable {
    private static let pauseSeconds = 0.2

    private let transport: WorkerTransport
    private var thread: DedicatedThread?
    private var isJoining = false
    private var begun = Instant(nanoseconds: 0)
    private var messages: UInt64 = 0
    private(set) var isFinished = false
    /// Unit: seconds.
    private(set) var answers: [Double] = []

    /// - Parameter keys: Of a worker that the coordinator's ledger admits.
    init(endpoint: String, coordinatorKey: PublicKey, keys: CurveKeyPair) throws {
        transport = try WorkerTransport(
            connectingTo: endpoint, security: .curve(coordinatorKey: coordinatorKey), own: keys, invitation: nil,
            first: .own)
    }

    func start() {
        guard thread == nil else { return }
        begun = MonotonicClock.now()
        isJoining = true
        thread = DedicatedThread { [self] in try? transport.run(service: self) }
    }

    /// Ends the probing; one that is not answered yet counts for as long as it has waited.
    func stop() {
        transport.post { [self] in
            if isJoining { answers.append(MonotonicClock.now().seconds(since: begun)) }
            isFinished = true
        }
        thread?.join()
    }

    func tick(at now: Instant) -> Instant? {
        guard !isJoining else { return now.advanced(bySeconds: Self.pauseSeconds) }
        let next = begun.advanced(bySeconds: Self.pauseSeconds)
        guard next <= now else { return next }
        begun = now
        isJoining = true
        transport.reconnect(with: .own)
        return now
    }

    func connectionChanged(_ state: ConnectionState, at now: Instant) {
        guard case .connected = state else { return }
        send(
            .hello(
                Hello(
                    software: shoalVersion, features: [], codecs: Codecs.supported.map { CodecName(name: $0) },
                    cores: 1,
                    memoryBytes: 0, baseModel: nil)))
    }

    func receive(_ envelope: Envelope, payload: [UInt8]?, at now: Instant) {
        guard case .welcome = envelope.message, isJoining else { return }
        answers.append(now.seconds(since: begun))
        isJoining = false
        send(.goodbye(Goodbye(reason: "only asking")))
    }

    func receive(malformed error: WireError, at now: Instant) {}

    private func send(_ message: Message) {
        messages += 1
        transport.send(Envelope(id: messages, message: message), payload: nil)
    }
}
