internal import GRDBSQLite
internal import Glibc
internal import ModelFiles

/// SQLite's file system (a VFS, https://www.sqlite.org/vfs.html) over simulated disks: databases below a mount go to its
/// disk, all others to SQLite's own files.
enum DatabaseFiles {
    /// What SQLite takes for a `sqlite3_file`: its one member first.
    private struct File {
        var methods: UnsafePointer<sqlite3_io_methods>?
        var handle: Unmanaged<DatabaseHandle>?
    }

    /// From now on SQLite finds databases on simulated disks.
    static func install() { _ = installation }

    // Safe: written once, under Swift's once-only initialisation of globals, before SQLite sees them; read only after.
    nonisolated(unsafe) private static let system: UnsafeMutablePointer<sqlite3_vfs> = {
        guard let system = sqlite3_vfs_find("unix") else { preconditionFailure("SQLite has its own files") }
        return system
    }()

    private static let installation: Void = {
        let vfs = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        vfs.initialize(to: system.pointee)
        vfs.pointee.pNext = nil
        vfs.pointee.zName = UnsafePointer(strdup("shoal-simulated"))
        vfs.pointee.szOsFile = max(system.pointee.szOsFile, Int32(MemoryLayout<File>.size))
        vfs.pointee.xOpen = { _, name, file, flags, outFlags in
            guard let name, let file, let disk = disk(of: name) else {
                return system.pointee.xOpen(system, name, file, flags, outFlags)
            }
            let target = UnsafeMutableRawPointer(file).assumingMemoryBound(to: File.self)
            target.pointee.methods = nil
            var code = SQLITE_OK
            guard let handle = DatabaseHandle(disk, String(cString: name), flags: flags, code: &code) else {
                return code
            }
            target.pointee = File(methods: UnsafePointer(methods), handle: .passRetained(handle))
            outFlags?.pointee = flags
            return SQLITE_OK
        }
        vfs.pointee.xDelete = { _, name, isToSynchronize in
            guard let name, let disk = disk(of: name) else {
                return system.pointee.xDelete(system, name, isToSynchronize)
            }
            let path = String(cString: name)
            guard disk.unlink(path) == 0 else {
                return errno == ENOENT ? DatabaseHandle.Codes.noEntry : DatabaseHandle.Codes.delete
            }
            guard isToSynchronize != 0 else { return SQLITE_OK }
            let isDurable = disk.locked {
                disk.place(path).map { disk.synchronize($0.folder, lie: .noLedgerSync) == 0 } ?? false
            }
            return isDurable ? SQLITE_OK : DatabaseHandle.Codes.synchronize
        }
        vfs.pointee.xAccess = { _, name, flags, result in
            guard let name, let disk = disk(of: name) else {
                return system.pointee.xAccess(system, name, flags, result)
            }
            guard !disk.isDown else { return DatabaseHandle.Codes.access }
            let status = disk.status(String(cString: name), followsLinks: true)
            // As SQLite's own files: an empty journal is none.
            let counts = flags == SQLITE_ACCESS_EXISTS ? (status?.st_size ?? 0) > 0 : status != nil
            result?.pointee = counts ? 1 : 0
            return SQLITE_OK
        }
        vfs.pointee.xFullPathname = { _, name, count, result in
            guard let name, let result, disk(of: name) != nil else {
                return system.pointee.xFullPathname(system, name, count, result)
            }
            guard strlen(name) < Int(count) else { return SQLITE_CANTOPEN }
            strcpy(result, name)
            return SQLITE_OK
        }
        let code = sqlite3_vfs_register(vfs, 1)
        precondition(code == SQLITE_OK, "SQLite takes another VFS")
    }()

    private static func disk(of name: UnsafePointer<CChar>) -> SimulatedDisk? {
        DiskTable.mounted(at: String(cString: name)) as? SimulatedDisk
    }

    private static func handle(_ file: UnsafeMutablePointer<sqlite3_file>?) -> DatabaseHandle {
        guard let file,
            let handle = UnsafeMutableRawPointer(file).assumingMemoryBound(to: File.self).pointee.handle
        else { preconditionFailure("SQLite calls the methods of open files") }
        return handle.takeUnretainedValue()
    }

    // Safe: as `system`.
    nonisolated(unsafe) private static let methods: UnsafeMutablePointer<sqlite3_io_methods> = {
        let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        methods.initialize(to: sqlite3_io_methods())
        methods.pointee.iVersion = 2
        methods.pointee.xClose = { file in
            guard let file else { return SQLITE_OK }
            handle(file).close()
            UnsafeMutableRawPointer(file).assumingMemoryBound(to: File.self).pointee.handle?.release()
            file.pointee.pMethods = nil
            return SQLITE_OK
        }
        methods.pointee.xRead = { file, target, count, offset in
            handle(file).read(
                into: UnsafeMutableRawBufferPointer(start: target, count: Int(count)), at: Int(offset))
        }
        methods.pointee.xWrite = { file, bytes, count, offset in
            handle(file).write(UnsafeRawBufferPointer(start: bytes, count: Int(count)), at: Int(offset))
        }
        methods.pointee.xTruncate = { file, size in handle(file).truncate(to: Int(size)) }
        methods.pointee.xSync = { file, _ in handle(file).synchronize() }
        methods.pointee.xFileSize = { file, size in
            guard let bytes = handle(file).size() else { return DatabaseHandle.Codes.size }
            size?.pointee = sqlite3_int64(bytes)
            return SQLITE_OK
        }
        methods.pointee.xLock = { file, level in handle(file).lock(level) }
        methods.pointee.xUnlock = { file, level in
            handle(file).unlock(to: level)
            return SQLITE_OK
        }
        methods.pointee.xCheckReservedLock = { file, result in
            result?.pointee = handle(file).isReserved ? 1 : 0
            return SQLITE_OK
        }
        methods.pointee.xFileControl = { _, _, _ in SQLITE_NOTFOUND }
        methods.pointee.xSectorSize = { _ in Int32(SimulatedDisk.sectorBytes) }
        // A sector's other bytes stay as they are when a write to it is torn, as on every disk SQLite takes for granted.
        methods.pointee.xDeviceCharacteristics = { _ in SQLITE_IOCAP_POWERSAFE_OVERWRITE }
        methods.pointee.xShmMap = { file, index, bytes, isToExtend, result in
            let (code, region) = handle(file).region(Int(index), bytes: Int(bytes), isToExtend: isToExtend != 0)
            result?.pointee = region
            return code
        }
        methods.pointee.xShmLock = { file, first, count, flags in
            handle(file).lockSlots(Int(first)..<Int(first + count), flags: flags)
        }
        methods.pointee.xShmBarrier = { file in
            // Entering and leaving the disk's lock orders memory.
            _ = handle(file).isReserved
        }
        methods.pointee.xShmUnmap = { file, _ in
            handle(file).leaveSharedMemory()
            return SQLITE_OK
        }
        return methods
    }()
}
