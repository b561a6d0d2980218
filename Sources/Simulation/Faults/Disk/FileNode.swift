/// A file or folder of a ``SimulatedDisk``, with what of it has not reached the disk yet.
///
/// Touched under its disk's lock alone.
final class FileNode {
    /// A change of a file's bytes, with what undoes it.
    struct DataChange {
        /// Where bytes were put; `nil`: the file was cut to `newSize`.
        var written: (offset: Int, bytes: [UInt8])?
        var newSize: Int
        var oldSize: Int
        /// What was overwritten or cut off, from `written.offset` or `newSize` on.
        var old: [UInt8]
    }

    let number: UInt64
    let isFolder: Bool
    var permissions: UInt32

    /// As programs see it.
    var bytes: [UInt8] = []
    /// Since the file was last synchronised, in order.
    var unsynchronized: [DataChange] = []

    /// As programs see them.
    var entries: [String: FileNode] = [:]
    /// As they are on the disk.
    var durableEntries: [String: FileNode] = [:]

    var lock = FileLock()
    var database: DatabaseLocks?

    init(number: UInt64, isFolder: Bool, permissions: UInt32) {
        self.number = number
        self.isFolder = isFolder
        self.permissions = permissions
    }

    func write(_ new: UnsafeRawBufferPointer, at offset: Int) {
        let oldSize = bytes.count
        let overlap = offset < oldSize ? Array(bytes[offset..<min(oldSize, offset + new.count)]) : []
        apply(new, at: offset)
        unsynchronized.append(
            DataChange(
                written: (offset, Array(new)), newSize: bytes.count, oldSize: oldSize, old: overlap))
    }

    func truncate(to size: Int) {
        let oldSize = bytes.count
        let cut = size < oldSize ? Array(bytes[size...]) : []
        resize(size)
        unsynchronized.append(DataChange(written: nil, newSize: size, oldSize: oldSize, old: cut))
    }

    private func apply(_ new: UnsafeRawBufferPointer, at offset: Int) {
        if offset == bytes.count { return bytes.append(contentsOf: new) }
        if bytes.count < offset + new.count { resize(offset + new.count) }
        bytes.withUnsafeMutableBytes { UnsafeMutableRawBufferPointer(rebasing: $0[offset...]).copyMemory(from: new) }
    }

    private func resize(_ size: Int) {
        if size < bytes.count {
            bytes.removeLast(bytes.count - size)
        } else {
            bytes.append(contentsOf: repeatElement(0, count: size - bytes.count))
        }
    }

    /// Puts the bytes in the state that a power cut leaves: what was synchronised, and of the later changes those
    /// sectors that `survives` says reached the disk.
    func losePower(sectorBytes: Int, survives: () -> Bool) {
        guard !unsynchronized.isEmpty else { return }
        for change in unsynchronized.reversed() {
            if let (offset, _) = change.written {
                change.old.withUnsafeBytes { if !$0.isEmpty { apply($0, at: offset) } }
                resize(change.oldSize)
            } else {
                resize(min(change.newSize, change.oldSize))
                bytes += change.old
                resize(change.oldSize)
            }
        }
        for change in unsynchronized {
            guard let (offset, new) = change.written else {
                if survives() { resize(change.newSize) }
                continue
            }
            var start = 0
            while start < new.count {
                let end = min(new.count, ((offset + start) / sectorBytes + 1) * sectorBytes - offset)
                if survives() {
                    new.withUnsafeBytes { apply(UnsafeRawBufferPointer(rebasing: $0[start..<end]), at: offset + start) }
                }
                start = end
            }
        }
        unsynchronized = []
    }
}

/// Who holds a file by flock(2).
struct FileLock {
    var exclusive: Int32?
    var shared: Set<Int32> = []

    mutating func release(_ descriptor: Int32) {
        if exclusive == descriptor { exclusive = nil }
        shared.remove(descriptor)
    }

    mutating func take(_ descriptor: Int32, isExclusive: Bool) -> Bool {
        let others = shared.subtracting([descriptor])
        guard exclusive == nil || exclusive == descriptor, !isExclusive || others.isEmpty else { return false }
        release(descriptor)
        if isExclusive { exclusive = descriptor } else { shared.insert(descriptor) }
        return true
    }
}
