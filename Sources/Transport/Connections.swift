import CZeroMQ
import Glibc
import Wire

/// The live connections of a coordinator, as their messages showed them.
///
/// libzmq tells nothing about a connection but what comes with its messages. An entry goes when its descriptor's
/// number comes back with another connection, so there are never more entries than descriptors.
struct Connections {
    struct Entry {
        let key: PublicKey
        let role: PeerRole
        let descriptor: Int32
        /// The kernel's number for the socket, never reused; 0 if it was closed already.
        let cookie: UInt64
        /// Shut down: what still arrives from it is dropped.
        var isEnded = false
    }

    private var entries: [[UInt8]: Entry] = [:]
    private var connectionOfDescriptor: [Int32: [UInt8]] = [:]

    subscript(_ connection: [UInt8]) -> Entry? { entries[connection] }

    mutating func add(_ connection: [UInt8], key: PublicKey, role: PeerRole, descriptor: Int32) {
        if let earlier = connectionOfDescriptor[descriptor] { entries[earlier] = nil }
        connectionOfDescriptor[descriptor] = connection
        entries[connection] = Entry(key: key, role: role, descriptor: descriptor, cookie: cookie(of: descriptor))
    }

    /// Forgets a connection that libzmq says is gone.
    mutating func remove(_ connection: [UInt8]) {
        guard let entry = entries[connection], !entry.isEnded else { return }
        entries[connection] = nil
        connectionOfDescriptor[entry.descriptor] = nil
    }

    /// The connections made with a key that have not been ended.
    func connections(with key: PublicKey) -> [[UInt8]] {
        entries.filter { $0.value.key == key && !$0.value.isEnded }.map(\.key)
    }

    /// Shuts the connection's socket down: libzmq has no call for it, and its I/O thread sees the end at once.
    mutating func end(_ connection: [UInt8]) {
        guard let entry = entries[connection], !entry.isEnded else { return }
        entries[connection]?.isEnded = true
        shutDownDescriptor(entry.descriptor, cookie: entry.cookie)
    }
}

/// The kernel's unique number of a socket, 0 if the descriptor is none.
private func cookie(of descriptor: Int32) -> UInt64 {
    var cookie: UInt64 = 0
    var count = socklen_t(MemoryLayout<UInt64>.size)
    let code = getsockopt(descriptor, SOL_SOCKET, Int32(shoal_socket_cookie), &cookie, &count)
    return code == 0 ? cookie : 0
}

private func shutDownDescriptor(_ descriptor: Int32, cookie expected: UInt64) {
    // The number belongs to libzmq, whose thread may close it, and anyone may get it again, at any moment. The copy
    // stays what it is, so that what was checked is what is shut down.
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { return }
    defer { close(copy) }
    if expected != 0, cookie(of: copy) == expected { shutdown(copy, Int32(SHUT_RDWR)) }
}
