internal import Synchronization

/// Which disk a path lies on: the machine's own, but for what a simulation has mounted.
///
/// The path decides, as in a kernel's mount table, because it is all that SQLite, which shares the disk with the blobs,
/// is ever told.
package enum DiskTable {
    /// Mounted disks stand below it, `/simulated/NAME`; nothing else of the machine is looked for there.
    package static let root = "/simulated/"
    private static let mountedCount = Atomic<Int>(0)
    private static let disks = Mutex<[String: any Disk]>([:])

    package static func disk(of path: String) -> any Disk {
        mounted(at: path) ?? SystemDisk.shared
    }

    /// `nil`: the path lies on the machine's own disk.
    package static func mounted(at path: String) -> (any Disk)? {
        guard mountedCount.load(ordering: .relaxed) > 0, let name = name(of: path) else { return nil }
        return disks.withLock { $0[name] }
    }

    /// - Parameter name: A path's component; unused so far.
    package static func mount(_ disk: any Disk, as name: String) {
        let before = disks.withLock { $0.updateValue(disk, forKey: name) }
        precondition(before == nil, "\(name) is mounted")
        mountedCount.add(1, ordering: .relaxed)
    }

    package static func unmount(_ name: String) {
        guard disks.withLock({ $0.removeValue(forKey: name) }) != nil else { return }
        mountedCount.subtract(1, ordering: .relaxed)
    }

    private static func name(of path: String) -> String? {
        guard path.hasPrefix(root) else { return nil }
        return String(decoding: path.utf8.dropFirst(root.utf8.count).prefix { $0 != UInt8(ascii: "/") }, as: UTF8.self)
    }
}
