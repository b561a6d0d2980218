internal import Glibc

/// A TCP connection to a service of this machine, for requests that no client library would send.
public final class RawConnection {
    private let descriptor: Int32

    /// - Returns: `nil` if nobody listens.
    public init?(port: Int) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        let isConnected = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { return nil }
    }

    deinit { close(descriptor) }

    public func send(_ text: String) { _ = write(descriptor, text, text.utf8.count) }

    /// The next bytes, at most so many, once some are there; empty at the connection's end.
    public func receive(_ count: Int) -> String {
        var bytes = [UInt8](repeating: 0, count: count)
        let received = read(descriptor, &bytes, count)
        return String(decoding: bytes.prefix(max(0, received)), as: UTF8.self)
    }
}
