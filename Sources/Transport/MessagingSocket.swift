import CZeroMQ
import Glibc
import Wire

/// Owns one libzmq socket and closes it. Belongs to one thread at a time: libzmq sockets are not thread-safe.
struct MessagingSocket: ~Copyable {
    /// Kept alive: its end waits for this socket's.
    private let context: MessagingContext
    let handle: UnsafeMutableRawPointer

    init(_ kind: Int32, in context: MessagingContext) throws(TransportError) {
        guard let handle = zmq_socket(context.handle, kind) else { throw .last("zmq_socket") }
        self.context = context
        self.handle = handle
    }

    deinit { zmq_close(handle) }

    func set(_ option: Int32, to value: Int32) throws(TransportError) {
        var value = value
        guard zmq_setsockopt(handle, option, &value, MemoryLayout<Int32>.size) == 0 else {
            throw .last("zmq_setsockopt")
        }
    }

    func set(_ option: Int32, to value: Int64) throws(TransportError) {
        var value = value
        guard zmq_setsockopt(handle, option, &value, MemoryLayout<Int64>.size) == 0 else {
            throw .last("zmq_setsockopt")
        }
    }

    func set(_ option: Int32, to bytes: [UInt8]) throws(TransportError) {
        guard zmq_setsockopt(handle, option, bytes, bytes.count) == 0 else { throw .last("zmq_setsockopt") }
    }

    func bind(to endpoint: String) throws(TransportError) {
        guard retryingInterrupts({ zmq_bind(handle, endpoint) }) == 0 else { throw .lastBind(to: endpoint) }
    }

    func connect(to endpoint: String) throws(TransportError) {
        guard retryingInterrupts({ zmq_connect(handle, endpoint) }) == 0 else {
            throw .invalidEndpoint(endpoint, reason: "write tcp://HOST:PORT")
        }
    }

    /// Where the socket is bound, with the port that port 0 or `*` became.
    func lastEndpoint() throws(TransportError) -> String {
        var text = [CChar](repeating: 0, count: 512)
        var count = text.count
        guard zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &text, &count) == 0 else { throw .last("zmq_getsockopt") }
        return String(decoding: text.prefix(max(count - 1, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Handles what other threads told the socket (new and ended connections) at once; a send alone may put it off.
    func settle() {
        var events: Int32 = 0
        var count = MemoryLayout<Int32>.size
        _ = retryingInterrupts { zmq_getsockopt(handle, ZMQ_EVENTS, &events, &count) }
    }

    /// Queues one frame without waiting; false when there is no peer or its queue is full.
    func send(_ frame: [UInt8], more: Bool) -> Bool {
        let flags = more ? shoal_send_now_more : shoal_send_now
        return retryingInterrupts { zmq_send(handle, frame, frame.count, Int32(flags)) } >= 0
    }

    /// Queues one frame without waiting and without copying it: libzmq refers to the array until it has left. False as for
    /// ``send(_:more:)``.
    func send(sharing frame: [UInt8], more: Bool) -> Bool {
        // Below this, a copy is cheaper.
        guard frame.count >= 4_096 else { return send(frame, more: more) }
        let shared = SharedFrame(frame)
        var message = zmq_msg_t()
        let owner = Unmanaged.passRetained(shared)
        let code = zmq_msg_init_data(
            &message, shared.start, shared.count,
            { _, hint in
                if let hint { Unmanaged<SharedFrame>.fromOpaque(hint).release() }
            }, owner.toOpaque())
        guard code == 0 else {
            owner.release()
            return false
        }
        let flags = more ? shoal_send_now_more : shoal_send_now
        if retryingInterrupts({ zmq_msg_send(&message, handle, Int32(flags)) }) >= 0 { return true }
        zmq_msg_close(&message)
        return false
    }

    /// Takes one frame that has arrived; false when there is none.
    func receive(into frame: borrowing MessageFrame) -> Bool {
        retryingInterrupts { zmq_msg_recv(frame.message, handle, ZMQ_DONTWAIT) } >= 0
    }

    /// Waits for one frame; false once the context shuts down.
    func waitForFrame(_ frame: borrowing MessageFrame) -> Bool {
        retryingInterrupts { zmq_msg_recv(frame.message, handle, 0) } >= 0
    }

    /// What both ends of a link set alike.
    func setLinkOptions() throws(TransportError) {
        // A frame over this ends the connection before it is in memory. Encryption adds tens of bytes.
        try set(ZMQ_MAXMSGSIZE, to: Int64(WireLimits.payloadBytes + 4_096))
        // Unit: messages a peer. Requests carry credit, so that queues stay far below.
        try set(ZMQ_SNDHWM, to: 256 as Int32)
        try set(ZMQ_RCVHWM, to: 64 as Int32)
        // What was sent last (a Goodbye) gets this long to leave. Unit: milliseconds.
        try set(ZMQ_LINGER, to: 1_000 as Int32)
        try set(ZMQ_HANDSHAKE_IVL, to: 10_000 as Int32)
        // A dead connection is noticed, and a silent one kept open through middle boxes, whatever the service does.
        try set(ZMQ_HEARTBEAT_IVL, to: 10_000 as Int32)
        try set(ZMQ_HEARTBEAT_TIMEOUT, to: 30_000 as Int32)
        try set(ZMQ_HEARTBEAT_TTL, to: 60_000 as Int32)
    }

    /// Lets IPv6 addresses and names work for this endpoint.
    func allowIPv6(for endpoint: String) throws(TransportError) {
        if endpoint.contains("[") { try set(ZMQ_IPV6, to: 1 as Int32) }
    }
}

/// An array that libzmq's threads read.
///
/// An array's elements lie in one allocation that lives as long as any copy of the array, and a copy that nobody else can
/// reach is never written to: so `start` stays valid, and what it points to the same, until this object goes.
/// Only libzmq's free function and the sender refer to it, through reference counts that threads may share.
private final class SharedFrame {
    private let frame: [UInt8]
    let start: UnsafeMutableRawPointer?
    let count: Int

    init(_ frame: [UInt8]) {
        self.frame = frame
        start = frame.withUnsafeBytes { UnsafeMutableRawPointer(mutating: $0.baseAddress) }
        count = frame.count
    }
}
