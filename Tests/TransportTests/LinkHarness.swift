import Federation
import Foundation
import ModelFiles
import Synchronization
import Testing
import Transport
import Wire

/// What happened at one end of a link, in order; tests wait for it instead of sleeping.
///
/// `@unchecked Sendable`: `events` is only touched under the condition's lock.
final class EventLog<Event: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private var events: [Event] = []

    struct NeverHappened: Error, CustomStringConvertible {
        let description: String
    }

    func add(_ event: Event) {
        condition.lock()
        defer { condition.unlock() }
        events.append(event)
        condition.broadcast()
    }

    var all: [Event] {
        condition.lock()
        defer { condition.unlock() }
        return events
    }

    /// The first event from `start` on that `match` turns into a value. The limit only bounds a failing test.
    @discardableResult
    func first<Value>(_ what: String, from start: Int = 0, _ match: (Event) -> Value?) throws -> Value {
        condition.lock()
        defer { condition.unlock() }
        let limit = Date(timeIntervalSinceNow: 120)
        while true {
            for event in events.dropFirst(start) {
                if let value = match(event) { return value }
            }
            guard condition.wait(until: limit) else {
                throw NeverHappened(description: "\(what) never happened; what did: \(events)")
            }
        }
    }
}

/// Admits the keys it is told to.
final class TestAdmission: Admission {
    private let roles = Mutex<[PublicKey: PeerRole]>([:])
    private let failuresLeft = Mutex(0)

    struct Unreadable: Error {}

    func role(of key: PublicKey) throws -> PeerRole? {
        try failuresLeft.withLock { left in
            guard left == 0 else {
                left -= 1
                throw Unreadable()
            }
        }
        return roles.withLock { $0[key] }
    }

    /// Cannot tell anything for so many questions.
    func fail(_ times: Int) { failuresLeft.withLock { $0 = times } }

    func allow(_ keys: CurveKeyPair, as role: PeerRole) { roles.withLock { $0[keys.publicKey] = role } }

    func revoke(_ keys: CurveKeyPair) { roles.withLock { $0[keys.publicKey] = nil } }
}

enum CoordinatorEvent: Sendable {
    case received(Envelope, payload: [UInt8]?, from: Peer)
    case malformed(WireError, from: Peer)

    var envelope: Envelope? {
        if case .received(let envelope, _, _) = self { envelope } else { nil }
    }

    var peer: Peer {
        switch self {
        case .received(_, _, let peer), .malformed(_, let peer): peer
        }
    }

    var error: WireError? {
        if case .malformed(let error, _) = self { error } else { nil }
    }
}

/// Sends every message back with `inReplyTo` set.
///
/// `@unchecked Sendable`: changed on the loop's thread only; tests reach it through `post`.
final class EchoService: CoordinatorService, @unchecked Sendable {
    let log = EventLog<CoordinatorEvent>()
    weak var link: CoordinatorTransport?
    var isFinished = false
    /// Runs inside `receive`, before the answer.
    var onReceive: (@Sendable () -> Void)?

    func receive(_ envelope: Envelope, payload: [UInt8]?, from peer: Peer, at now: Instant) {
        log.add(.received(envelope, payload: payload, from: peer))
        onReceive?()
        var answer = envelope
        answer.inReplyTo = envelope.id
        link?.send(answer, payload: payload, to: peer)
    }

    func receive(malformed error: WireError, from peer: Peer, at now: Instant) {
        log.add(.malformed(error, from: peer))
    }

    func tick(at now: Instant) -> Instant? { nil }
}

/// A coordinator's transport with the echo service on a thread of its own.
final class RunningCoordinator: Sendable {
    let transport: CoordinatorTransport
    let service = EchoService()
    let admission: TestAdmission
    let keys: CurveKeyPair
    private let thread: DedicatedThread

    init(
        at endpoint: String = "tcp://127.0.0.1:*", admission: TestAdmission = TestAdmission(),
        keys: CurveKeyPair? = nil, isInsecure: Bool = false
    ) throws {
        let keys = try keys ?? CurveKeyPair.generate()
        let transport = try CoordinatorTransport(
            bindingTo: endpoint, security: isInsecure ? .insecure : .curve(keys), admission: admission)
        self.keys = keys
        self.admission = admission
        self.transport = transport
        let service = service
        service.link = transport
        thread = DedicatedThread { transport.run(service: service) }
    }

    var endpoint: String { transport.boundEndpoint }

    var port: UInt16 { endpoint.split(separator: ":").last.flatMap { UInt16($0) } ?? 0 }

    /// Ends the loop and waits until the port is free.
    func stop() {
        transport.stop()
        join()
    }

    /// Waits until the loop has ended.
    func join() {
        thread.join()
    }
}

enum WorkerEvent: Sendable {
    case connection(ConnectionState)
    case received(Envelope, payload: [UInt8]?)
    case malformed(WireError)

    var envelope: Envelope? {
        if case .received(let envelope, _) = self { envelope } else { nil }
    }

    var isConnected: Bool? {
        if case .connection(.connected) = self { true } else { nil }
    }

    var refusal: String? {
        if case .connection(.refused(let reason)) = self { reason } else { nil }
    }

    var loss: String? {
        if case .connection(.disconnected(let reason)) = self { reason } else { nil }
    }
}

final class RecordingWorker: WorkerServiceProtocol, @unchecked Sendable {
    // As EchoService: changed on the loop's thread only.
    let log = EventLog<WorkerEvent>()
    var isFinished = false

    func connectionChanged(_ state: ConnectionState, at now: Instant) { log.add(.connection(state)) }
    func receive(_ envelope: Envelope, payload: [UInt8]?, at now: Instant) {
        log.add(.received(envelope, payload: payload))
    }
    func receive(malformed error: WireError, at now: Instant) { log.add(.malformed(error)) }
    func tick(at now: Instant) -> Instant? { nil }
}

/// A worker's transport with a recording service on a thread of its own.
final class RunningWorker: Sendable {
    let transport: WorkerTransport
    let service = RecordingWorker()
    private let thread: DedicatedThread

    init(
        connectingTo endpoint: String, security: WorkerSecurity, keyMemory: (any CoordinatorKeyMemory)? = nil,
        own: CurveKeyPair, invitation: CurveKeyPair? = nil, first: WorkerLinkKeys = .own,
        warn: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        let transport = try WorkerTransport(
            connectingTo: endpoint, security: security, keyMemory: keyMemory, own: own, invitation: invitation,
            first: first,
            pauses: ReconnectPauses(firstMilliseconds: 20, lastMilliseconds: 100, refusedMilliseconds: 20),
            warn: warn)
        self.transport = transport
        let service = service
        thread = DedicatedThread {
            do {
                try transport.run(service: service)
            } catch {
                Issue.record(error)
            }
        }
    }

    /// Connects with CURVE.
    convenience init(
        to coordinator: RunningCoordinator, own: CurveKeyPair, invitation: CurveKeyPair? = nil,
        first: WorkerLinkKeys = .own
    ) throws {
        try self.init(
            connectingTo: coordinator.endpoint, security: .curve(coordinatorKey: coordinator.keys.publicKey), own: own,
            invitation: invitation, first: first)
    }

    var log: EventLog<WorkerEvent> { service.log }

    func send(_ envelope: Envelope, payload: [UInt8]? = nil) {
        transport.post { [transport] in transport.send(envelope, payload: payload) }
    }

    func sendUnchecked(_ frames: [[UInt8]]) {
        transport.post { [transport] in transport.sendUnchecked(frames) }
    }

    func waitUntilConnected() throws {
        try log.first("a connection") { $0.isConnected }
    }

    /// Sends and waits for the echo.
    @discardableResult
    func exchange(_ envelope: Envelope, payload: [UInt8]? = nil) throws -> Envelope {
        send(envelope, payload: payload)
        return try log.first("an answer to \(envelope.id)") { event in
            event.envelope.flatMap { $0.inReplyTo == envelope.id ? $0 : nil }
        }
    }

    func stop() {
        transport.stop()
        thread.join()
    }
}

func workerRole(_ name: String) throws -> PeerRole {
    .worker(try #require(WorkerName(name)))
}

func accept(id: UInt64) -> Envelope {
    Envelope(id: id, message: .accept(Accept(lease: id)))
}
