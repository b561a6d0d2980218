import CZeroMQ
import Glibc
import Logging
import Wire

/// Answers libzmq's authentication requests (ZAP, RFC 27) on a thread of its own, so that handshakes go on while the
/// service is busy.
///
/// An admitted connection's messages carry the proven public key as their `User-Id`.
final class AdmissionGate: Sendable {
    private let thread: DedicatedThread

    /// Call before the router binds: libzmq looks the handler up at each handshake, and without one refuses all.
    init(
        _ admission: any Admission, mechanism: String, in context: MessagingContext, logger: Logger
    ) throws(TransportError) {
        let socket = try MessagingSocket(ZMQ_REP, in: context)
        try socket.set(ZMQ_LINGER, to: 0 as Int32)
        try socket.bind(to: "inproc://zeromq.zap.01")
        let handler = Handler(socket: socket, admission: admission, mechanism: mechanism, logger: logger)
        thread = DedicatedThread { handler.run() }
    }

    /// Call after the context was shut down.
    func join() {
        thread.join()
    }

    /// Handed to the gate's thread when it starts and used by it alone from then on, hence `@unchecked Sendable`:
    /// thread creation orders the set-up before the use.
    private final class Handler: @unchecked Sendable {
        /// `nil` once the loop has ended.
        private var socket: MessagingSocket?
        private let admission: any Admission
        private let mechanism: String
        private let logger: Logger
        private var refused = 0

        init(socket: consuming MessagingSocket, admission: any Admission, mechanism: String, logger: Logger) {
            self.socket = consume socket
            self.admission = admission
            self.mechanism = mechanism
            self.logger = logger
        }

        func run() {
            let frame = MessageFrame()
            while let request = nextRequest(frame) { answer(request) }
            // Closed here, on the thread that used it; the context's end waits for this.
            socket = nil
        }

        /// The frames of one request; `nil` once the context shuts down.
        private func nextRequest(_ frame: borrowing MessageFrame) -> [[UInt8]]? {
            var parts: [[UInt8]] = []
            repeat {
                guard socket?.waitForFrame(frame) == true else { return nil }
                // Version, id, domain, address, identity, mechanism, credentials (one, or two for PLAIN).
                if parts.count < 8 { parts.append(Array(frame.bytes.prefix(256))) }
            } while frame.hasMore
            return parts
        }

        private func answer(_ request: [[UInt8]]) {
            let id = request.count > 1 ? request[1] : []
            let key = key(of: request)
            let verdict = key.map(verdict(on:)) ?? .refused
            let user = if verdict == .admitted, let key { Array(key.z85.utf8) } else { [UInt8]() }
            if verdict == .refused, let key {
                let address = request.count > 3 ? String(decoding: request[3], as: UTF8.self) : ""
                refused += 1
                logger.info(
                    "refused a connection with an unknown key",
                    metadata: ["key": "\(key.z85)", "address": "\(address)", "refused": "\(refused)"])
            }
            let reply = [Array("1.0".utf8), id, Array(verdict.rawValue.utf8), [], user, []]
            for (index, part) in reply.enumerated() {
                _ = socket?.send(part, more: index < reply.count - 1)
            }
        }

        /// RFC 27's status codes.
        private enum Verdict: String {
            case admitted = "200"
            /// The connection is closed without a word.
            case unknown = "300"
            case refused = "400"
        }

        /// Whoever is refused gives up, so a ledger that cannot be read at the moment is asked again: until the worker
        /// takes the closed connection for that of a busy coordinator, and comes again.
        private func verdict(on key: PublicKey) -> Verdict {
            var pauses = Int((ConnectionProgress.promptSeconds + 1) / Self.pauseSeconds)
            while true {
                do { return try admission.role(of: key) == nil ? .refused : .admitted } catch {
                    guard pauses > 0 else {
                        logger.warning("who may connect cannot be read: \(error)")
                        return .unknown
                    }
                }
                pauses -= 1
                usleep(UInt32(1e6 * Self.pauseSeconds))
            }
        }

        private static let pauseSeconds = 0.25

        /// The key that the handshake proved, or under PLAIN the one that the peer claims.
        private func key(of request: [[UInt8]]) -> PublicKey? {
            guard request.count > 6, request[5] == Array(mechanism.utf8) else { return nil }
            return mechanism == "CURVE"
                ? PublicKey(bytes: request[6])
                : PublicKey(z85: String(decoding: request[6], as: UTF8.self))
        }
    }
}
