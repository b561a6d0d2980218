internal import Glibc

/// Tells versions of a file apart without reading it.
///
/// Every write moves the change time, which no program can set back; a replacement has another inode.
package struct FileStamp: Hashable, Sendable, CustomStringConvertible {
    let device: UInt64
    let inode: UInt64
    /// Unit: bytes.
    let size: Int
    /// Of the content. Unit: nanoseconds since 1970.
    let modified: Int
    /// Of content, name or permissions. Unit: nanoseconds since 1970.
    let changed: Int

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int(status.st_size)
        modified = Self.nanoseconds(status.st_mtim)
        changed = Self.nanoseconds(status.st_ctim)
    }

    private static func nanoseconds(_ time: timespec) -> Int {
        Int(time.tv_sec) &* 1_000_000_000 &+ Int(time.tv_nsec)
    }

    package var description: String { "\(device) \(inode) \(size) \(modified) \(changed)" }
}
