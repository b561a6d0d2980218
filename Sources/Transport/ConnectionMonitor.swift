import CZeroMQ

/// What libzmq says of one attempt to connect, or of a connection.
package enum ConnectionEvent: Equatable, Sendable {
    case connectionStarted
    /// The next attempt comes after a pause.
    case retrying
    case handshakeDone
    case handshakeRefused
    case protocolMismatch
    /// The other side closed the connection during the handshake and gave no reason.
    case handshakeCut
    case disconnected
}

/// Follows what libzmq's I/O thread says about a socket's connection.
struct ConnectionMonitor: ~Copyable {
    private let socket: MessagingSocket

    /// - Parameter watched: Not connected yet, so that nothing is missed.
    init(of watched: borrowing MessagingSocket, in context: MessagingContext) throws(TransportError) {
        // A name of its own for each socket: the one before may not be quite gone.
        let name = "inproc://shoal-monitor-\(UInt(bitPattern: watched.handle))-\(UInt64.random(in: 0...UInt64.max))"
        let events =
            ZMQ_EVENT_CONNECT_DELAYED | ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED
            | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
            | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED
        guard zmq_socket_monitor(watched.handle, name, events) == 0 else { throw .last("zmq_socket_monitor") }
        let socket = try MessagingSocket(ZMQ_PAIR, in: context)
        try socket.set(ZMQ_LINGER, to: 0 as Int32)
        try socket.connect(to: name)
        self.socket = socket
    }

    func addTo(_ poll: inout LoopPoll) {
        poll.add(socket)
    }

    /// The next event; `nil` when none waits. Events that say nothing here are passed over.
    func next(_ frame: borrowing MessageFrame) -> ConnectionEvent? {
        // Two frames: the event's number (16 bits) and a value (32 bits), then the endpoint.
        while socket.receive(into: frame) {
            let bytes = frame.bytes
            let number = bytes.count >= 2 ? Int32(bytes.loadUnaligned(as: UInt16.self)) : 0
            while frame.hasMore, socket.receive(into: frame) {}
            switch number {
            case ZMQ_EVENT_CONNECT_DELAYED: return .connectionStarted
            case ZMQ_EVENT_CONNECT_RETRIED: return .retrying
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return .handshakeDone
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return .handshakeRefused
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: return .protocolMismatch
            case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: return .handshakeCut
            case ZMQ_EVENT_DISCONNECTED: return .disconnected
            default: continue
            }
        }
        return nil
    }
}
