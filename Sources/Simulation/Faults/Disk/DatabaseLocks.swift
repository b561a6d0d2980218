internal import GRDBSQLite

/// A database file's locks and shared memory, as SQLite's connections of one process see them.
///
/// Touched under its disk's lock, but for the shared memory's bytes, which SQLite orders itself.
final class DatabaseLocks {
    static let slotCount = 8

    // The file's lock: https://www.sqlite.org/lockingv3.html
    var readers: Set<ObjectIdentifier> = []
    var reserved: ObjectIdentifier?
    var exclusive: ObjectIdentifier?

    // The write-ahead log's index.
    private(set) var regions: [UnsafeMutableRawPointer] = []
    var users: Set<ObjectIdentifier> = []
    var sharedSlots = [Set<ObjectIdentifier>](repeating: [], count: slotCount)
    var exclusiveSlots = [ObjectIdentifier?](repeating: nil, count: slotCount)

    deinit { freeRegions() }

    /// A region's memory, zeroed when it is new; `nil` if there is none and none is to be made.
    func region(_ index: Int, bytes: Int, isToExtend: Bool) -> UnsafeMutableRawPointer? {
        if index >= regions.count, !isToExtend { return nil }
        while regions.count <= index {
            let region = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
            region.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
            regions.append(region)
        }
        return regions[index]
    }

    /// The last connection has left.
    func freeRegions() {
        for region in regions { region.deallocate() }
        regions = []
    }

    /// - Returns: SQLite's code.
    func lock(_ level: Int32, by owner: ObjectIdentifier) -> Int32 {
        switch level {
        case SQLITE_LOCK_SHARED:
            guard exclusive == nil || exclusive == owner else { return SQLITE_BUSY }
            readers.insert(owner)
        case SQLITE_LOCK_RESERVED:
            guard reserved == nil || reserved == owner else { return SQLITE_BUSY }
            reserved = owner
        default:
            guard exclusive == nil || exclusive == owner, reserved == nil || reserved == owner,
                readers.subtracting([owner]).isEmpty
            else { return SQLITE_BUSY }
            reserved = owner
            exclusive = owner
        }
        return SQLITE_OK
    }

    func unlock(to level: Int32, by owner: ObjectIdentifier) {
        if exclusive == owner { exclusive = nil }
        if reserved == owner { reserved = nil }
        if level == SQLITE_LOCK_NONE { readers.remove(owner) }
    }

    /// - Returns: SQLite's code.
    func lockSlots(_ slots: Range<Int>, flags: Int32, by owner: ObjectIdentifier) -> Int32 {
        let isExclusive = flags & SQLITE_SHM_EXCLUSIVE != 0
        if flags & SQLITE_SHM_UNLOCK != 0 {
            for slot in slots {
                sharedSlots[slot].remove(owner)
                if exclusiveSlots[slot] == owner { exclusiveSlots[slot] = nil }
            }
            return SQLITE_OK
        }
        for slot in slots {
            if let holder = exclusiveSlots[slot], holder != owner { return SQLITE_BUSY }
            if isExclusive, !sharedSlots[slot].subtracting([owner]).isEmpty { return SQLITE_BUSY }
        }
        for slot in slots {
            if isExclusive { exclusiveSlots[slot] = owner } else { sharedSlots[slot].insert(owner) }
        }
        return SQLITE_OK
    }

    func leave(_ owner: ObjectIdentifier) {
        unlock(to: SQLITE_LOCK_NONE, by: owner)
        for slot in 0..<Self.slotCount {
            sharedSlots[slot].remove(owner)
            if exclusiveSlots[slot] == owner { exclusiveSlots[slot] = nil }
        }
        users.remove(owner)
        if users.isEmpty { freeRegions() }
    }
}
