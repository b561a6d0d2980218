import Foundation
import Glibc
import Synchronization

/// A TCP proxy on 127.0.0.1 that keeps every byte that crosses it, for tests that ask what a listener would see.
///
/// Blocking sockets on threads of its own: one accepts, two carry each connection.
public final class RecordingProxy: Sendable {
    /// Where clients connect instead of to the real port.
    public let port: UInt16

    private struct State {
        var upstream: [UInt8] = []
        var downstream: [UInt8] = []
        var live: Set<Int32> = []
    }

    private let listener: Int32
    private let target: UInt16
    private let state = Mutex(State())

    public struct SetUpError: Error {
        public let code: Int32
    }

    /// - Parameter target: The port on 127.0.0.1 to pass everything on to.
    public init(to target: UInt16) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard listener >= 0 else { throw SetUpError(code: errno) }
        self.target = target
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, generic, &length) == 0
            }
        }
        guard isListening else {
            close(descriptor)
            throw SetUpError(code: errno)
        }
        port = UInt16(bigEndian: address.sin_port)
        Thread { [self] in accept() }.start()
    }

    /// What clients sent so far, all connections in order of arrival.
    public var upstream: [UInt8] { state.withLock { $0.upstream } }
    /// What clients were sent so far.
    public var downstream: [UInt8] { state.withLock { $0.downstream } }

    /// Cuts every live connection; new ones are accepted as before.
    public func cutConnections() {
        state.withLock { state in
            for descriptor in state.live { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    /// Stops accepting and cuts what is live.
    public func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        cutConnections()
    }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            if client < 0 {
                if errno == EINTR || errno == ECONNABORTED { continue }
                break
            }
            guard let server = connectToTarget() else {
                close(client)
                continue
            }
            state.withLock { _ = ($0.live.insert(client), $0.live.insert(server)) }
            // Whichever direction ends last closes both, so that no number is reused while the other one reads it.
            let ends = Atomic<Int>(0)
            let pair = ConnectionPair(client: client, server: server, ends: ends)
            Thread { [self] in carry(pair, upstream: true) }.start()
            Thread { [self] in carry(pair, upstream: false) }.start()
        }
        close(listener)
    }

    private final class ConnectionPair: Sendable {
        let client: Int32
        let server: Int32
        let ends: Atomic<Int>

        init(client: Int32, server: Int32, ends: consuming Atomic<Int>) {
            self.client = client
            self.server = server
            self.ends = ends
        }
    }

    private func carry(_ pair: ConnectionPair, upstream: Bool) {
        let (source, destination) = upstream ? (pair.client, pair.server) : (pair.server, pair.client)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            let bytes = buffer.prefix(count)
            // Recorded before it is passed on: whoever saw an answer finds the question here.
            state.withLock { if upstream { $0.upstream += bytes } else { $0.downstream += bytes } }
            guard sendAll(bytes, to: destination) else { break }
        }
        shutdown(source, Int32(SHUT_RD))
        shutdown(destination, Int32(SHUT_WR))
        guard pair.ends.add(1, ordering: .acquiringAndReleasing).newValue == 2 else { return }
        state.withLock { state in
            for descriptor in [pair.client, pair.server] {
                state.live.remove(descriptor)
                close(descriptor)
            }
        }
    }

    private func sendAll(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if sent < 0, errno == EINTR { continue }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    private func connectToTarget() -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var address = loopback(port: target)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}

private func loopback(port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
}

extension Sequence<UInt8> {
    /// Whether the text's UTF-8 bytes stand anywhere in these.
    public func holds(_ text: String) -> Bool {
        holds(Array(text.utf8))
    }

    /// Whether `part` stands anywhere in these bytes.
    public func holds(_ part: [UInt8]) -> Bool {
        Data(self).range(of: Data(part)) != nil
    }
}
