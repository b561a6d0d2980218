internal import GRDBSQLite
internal import Glibc

/// One SQLite connection's file on a ``SimulatedDisk``. Dead once its machine has gone down.
final class DatabaseHandle {
    private let disk: SimulatedDisk
    private let node: FileNode
    private let boot: Int
    /// Kept beyond a crash: SQLite may still look at the shared memory of a dead connection.
    private let locks: DatabaseLocks
    private let path: String
    /// A journal that was just made: its first synchronisation is its folder's too, as in SQLite's own files.
    private var isNewJournal: Bool
    private let isTemporary: Bool

    /// Opens a file, or makes it; `nil` sets SQLite's code.
    init?(_ disk: SimulatedDisk, _ path: String, flags: Int32, code: inout Int32) {
        self.disk = disk
        self.path = path
        isTemporary = flags & SQLITE_OPEN_DELETEONCLOSE != 0
        let opened: (FileNode, isNew: Bool, Int, DatabaseLocks)? = disk.locked {
            guard !disk.isDown else { return nil }
            if let node = disk.node(path) { return (node, false, disk.boot, Self.locks(of: node)) }
            guard flags & SQLITE_OPEN_CREATE != 0, let place = disk.place(path) else { return nil }
            var made: FileNode?
            _ = disk.change { _ in
                let node = disk.makeNode(isFolder: false, permissions: 0o600)
                disk.set([(place.folder, place.name, node)])
                made = node
                return 0
            }
            guard let made, !disk.isDown else { return nil }
            return (made, true, disk.boot, Self.locks(of: made))
        }
        guard let opened else {
            code = SQLITE_CANTOPEN
            return nil
        }
        (node, boot, locks) = (opened.0, opened.2, opened.3)
        isNewJournal =
            opened.isNew && flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL) != 0
    }

    private static func locks(of node: FileNode) -> DatabaseLocks {
        let locks = node.database ?? DatabaseLocks()
        node.database = locks
        return locks
    }

    private var identity: ObjectIdentifier { ObjectIdentifier(self) }

    /// Under the disk's lock; `failure` for a dead handle.
    private func alive(or failure: Int32, _ body: () -> Int32) -> Int32 {
        disk.locked { disk.boot == boot && !disk.isDown ? body() : failure }
    }

    func close() {
        disk.locked { locks.leave(identity) }
        if isTemporary { _ = disk.unlink(path) }
    }

    func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) -> Int32 {
        alive(or: Codes.read) {
            let count = max(0, min(target.count, node.bytes.count - offset))
            if count > 0 {
                node.bytes.withUnsafeBytes {
                    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count]))
                }
            }
            guard count < target.count else { return SQLITE_OK }
            UnsafeMutableRawBufferPointer(rebasing: target[count...]).initializeMemory(as: UInt8.self, repeating: 0)
            return Codes.shortRead
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int32 {
        alive(or: Codes.write) {
            var done = 0
            while done < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
                let written = disk.write(node, rest, at: offset + done)
                guard written > 0 else { return errno == ENOSPC ? SQLITE_FULL : Codes.write }
                done += written
            }
            return SQLITE_OK
        }
    }

    func truncate(to size: Int) -> Int32 {
        alive(or: Codes.truncate) { disk.truncate(node, to: size) == 0 ? SQLITE_OK : Codes.truncate }
    }

    func synchronize() -> Int32 {
        alive(or: Codes.synchronize) {
            guard disk.synchronize(node, lie: .noLedgerSync) == 0 else { return Codes.synchronize }
            guard isNewJournal, let folder = disk.place(path)?.folder else { return SQLITE_OK }
            isNewJournal = false
            return disk.synchronize(folder, lie: .noLedgerSync) == 0 ? SQLITE_OK : Codes.synchronize
        }
    }

    func size() -> Int? {
        disk.locked { disk.boot == boot && !disk.isDown ? node.bytes.count : nil }
    }

    func lock(_ level: Int32) -> Int32 { alive(or: Codes.lock) { locks.lock(level, by: identity) } }

    func unlock(to level: Int32) {
        disk.locked { locks.unlock(to: level, by: identity) }
    }

    var isReserved: Bool { disk.locked { locks.reserved != nil } }

    func region(_ index: Int, bytes: Int, isToExtend: Bool) -> (code: Int32, UnsafeMutableRawPointer?) {
        var region: UnsafeMutableRawPointer?
        let code = alive(or: Codes.sharedMemory) {
            locks.users.insert(identity)
            region = locks.region(index, bytes: bytes, isToExtend: isToExtend)
            return SQLITE_OK
        }
        return (code, region)
    }

    func lockSlots(_ slots: Range<Int>, flags: Int32) -> Int32 {
        alive(or: flags & SQLITE_SHM_UNLOCK != 0 ? SQLITE_OK : Codes.sharedLock) {
            locks.lockSlots(slots, flags: flags, by: identity)
        }
    }

    func leaveSharedMemory() {
        disk.locked {
            locks.users.remove(identity)
            if locks.users.isEmpty { locks.freeRegions() }
        }
    }

    /// SQLite's extended codes, which its header makes with a macro: `SQLITE_IOERR | (n << 8)`.
    enum Codes {
        static let read = SQLITE_IOERR | 1 << 8
        static let shortRead = SQLITE_IOERR | 2 << 8
        static let write = SQLITE_IOERR | 3 << 8
        static let synchronize = SQLITE_IOERR | 4 << 8
        static let truncate = SQLITE_IOERR | 6 << 8
        static let size = SQLITE_IOERR | 7 << 8
        static let delete = SQLITE_IOERR | 10 << 8
        static let access = SQLITE_IOERR | 13 << 8
        static let lock = SQLITE_IOERR | 15 << 8
        static let sharedLock = SQLITE_IOERR | 20 << 8
        static let sharedMemory = SQLITE_IOERR | 21 << 8
        static let noEntry = SQLITE_IOERR | 23 << 8
    }
}
