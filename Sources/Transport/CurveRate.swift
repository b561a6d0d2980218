import CZeroMQ
internal import Federation
import Glibc
internal import Wire

/// How fast encrypted messages go one way over loopback, with nothing else to do: what any transport on libzmq is
/// measured against.
public enum CurveRate {
    /// Sends messages of the largest payload from one thread to another for so long.
    ///
    /// - Returns: Bytes a second.
    public static func measure(seconds: Double) throws -> Double {
        // As between two processes: each end encrypts on a thread of its own.
        let context = try MessagingContext()
        let keys = try CurveKeyPair.generate()
        let receiver = try MessagingSocket(ZMQ_PULL, in: context)
        try receiver.set(ZMQ_CURVE_SERVER, to: 1 as Int32)
        try receiver.set(ZMQ_CURVE_SECRETKEY, to: keys.secretKey)
        try receiver.set(ZMQ_RCVTIMEO, to: 5_000 as Int32)
        try receiver.bind(to: "tcp://127.0.0.1:*")
        let endpoint = try receiver.lastEndpoint()
        let sender = try Sender(to: endpoint, serverKey: keys.publicKey, in: MessagingContext())
        let end = MonotonicClock.now().advanced(bySeconds: seconds + 0.2)
        let thread = DedicatedThread { sender.send(until: end) }
        defer { thread.join() }
        let frame = MessageFrame()
        // The first message comes after the handshake.
        guard receiver.waitForFrame(frame) else { throw TransportError.last("zmq_msg_recv") }
        let start = MonotonicClock.now()
        var bytes = 0
        while receiver.waitForFrame(frame), zmq_msg_size(frame.message) > 0 { bytes += zmq_msg_size(frame.message) }
        return Double(bytes) / MonotonicClock.now().seconds(since: start)
    }

    /// `@unchecked Sendable`: made by one thread, then used by the sending one alone; starting that thread orders the two.
    private final class Sender: @unchecked Sendable {
        private let socket: MessagingSocket

        init(to endpoint: String, serverKey: PublicKey, in context: MessagingContext) throws {
            let own = try CurveKeyPair.generate()
            let socket = try MessagingSocket(ZMQ_PUSH, in: context)
            try socket.set(ZMQ_CURVE_SERVERKEY, to: serverKey.bytes)
            try socket.set(ZMQ_CURVE_PUBLICKEY, to: own.publicKey.bytes)
            try socket.set(ZMQ_CURVE_SECRETKEY, to: own.secretKey)
            try socket.set(ZMQ_SNDTIMEO, to: 5_000 as Int32)
            try socket.set(ZMQ_SNDHWM, to: 16 as Int32)
            try socket.set(ZMQ_LINGER, to: 1_000 as Int32)
            try socket.connect(to: endpoint)
            self.socket = consume socket
        }

        /// An empty message ends it.
        func send(until end: Instant) {
            let bytes = [UInt8](repeating: 1, count: WireLimits.payloadBytes)
            while MonotonicClock.now() < end {
                guard zmq_send(socket.handle, bytes, bytes.count, 0) >= 0 else { return }
            }
            zmq_send(socket.handle, bytes, 0, 0)
        }
    }
}
