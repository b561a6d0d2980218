internal import Glibc

/// Files that appear whole or not at all, and stay after a power cut.
///
/// Bytes go to a temporary file in the same folder, reach the disk (fsync), take the final name (rename), and the
/// folder's entry reaches the disk too. A failure on the way, such as a full disk, removes the temporary file and
/// leaves what was there before.
public enum AtomicFile {
    /// - Parameter permissions: For the new file, less the process's umask.
    public static func write(
        _ bytes: UnsafeRawBufferPointer, to path: String, permissions: UInt32 = 0o644
    ) throws(FileError) {
        try make(path) { (temporary) throws(FileError) in
            try create(temporary, bytes, permissions: permissions)
        }
    }

    /// - Parameter permissions: For the new file, less the process's umask.
    public static func write(
        _ bytes: [UInt8], to path: String, permissions: UInt32 = 0o644
    ) throws(FileError) {
        let written: Result<Void, FileError> = bytes.withUnsafeBytes { buffer in
            Result { () throws(FileError) in try write(buffer, to: path, permissions: permissions) }
        }
        try written.get()
    }

    /// Makes a file that appears whole or not at all, for content too large to hold in memory.
    ///
    /// - Parameter write: Gets the path of a file in the same folder, which it must create (failing with `EEXIST` if
    ///   somebody has), write, and wait for the disk.
    package static func make(
        _ path: String, _ write: (_ temporary: String) throws(FileError) -> Void
    ) throws(FileError) {
        let disk = DiskTable.disk(of: path)
        let (folder, name) = split(path)
        let temporary = try unusedName(in: folder, for: name) { (candidate) throws(FileError) in
            do throws(FileError) { try write(candidate) } catch {
                if error.code != EEXIST { _ = disk.unlink(candidate) }
                throw error
            }
        }
        guard disk.rename(temporary, to: path) == 0 else {
            let error = FileError.last("rename \(temporary) to", path)
            _ = disk.unlink(temporary)
            throw error
        }
        try synchronizeFolder(folder)
    }

    /// Removes what processes that were killed in ``make(_:_:)`` left in a folder; nobody may be in it meanwhile.
    package static func removeTemporaries(in folder: String) {
        let disk = DiskTable.disk(of: folder)
        for name in disk.names(in: folder) ?? [] where name.hasPrefix(".") && name.hasSuffix(temporarySuffix) {
            _ = disk.unlink(folder + "/" + name)
        }
    }

    static func create(_ path: String, _ bytes: [UInt8], permissions: UInt32) throws(FileError) {
        let created: Result<Void, FileError> = bytes.withUnsafeBytes { buffer in
            Result { () throws(FileError) in try create(path, buffer, permissions: permissions) }
        }
        try created.get()
    }

    /// Creates a file that must not exist yet, writes it and waits for the disk; removes it if that fails.
    static func create(
        _ path: String, _ bytes: UnsafeRawBufferPointer, permissions: UInt32
    ) throws(FileError) {
        let disk = DiskTable.disk(of: path)
        let descriptor = disk.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions)
        guard descriptor >= 0 else { throw FileError.last("create", path) }
        var failure: FileError?
        do {
            try disk.writeAll(bytes, to: descriptor, path: path)
            if disk.synchronize(descriptor) != 0 { failure = FileError.last("flush", path) }
            // A run writes an adapter a round and keeps them all; the system's memory need not hold them.
            if bytes.count >= forgottenBytes { disk.forget(descriptor) }
        } catch {
            failure = error
        }
        // NFS and quotas may report a failed write only here.
        if disk.close(descriptor) != 0, errno != EINTR, failure == nil { failure = FileError.last("close", path) }
        if let failure {
            _ = disk.unlink(path)
            throw failure
        }
    }

    /// Makes a renamed or created entry durable.
    package static func synchronizeFolder(_ folder: String) throws(FileError) {
        let disk = DiskTable.disk(of: folder)
        let descriptor = disk.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw FileError.last("open", folder) }
        defer { _ = disk.close(descriptor) }
        // Some file systems cannot flush a folder and say EINVAL; there is nothing more to do on them.
        guard disk.synchronize(descriptor) == 0 || errno == EINVAL else { throw FileError.last("flush", folder) }
    }

    /// Makes a folder's or file's own entry durable, where the one above it may be opened.
    package static func synchronizeEntry(of path: String) throws(FileError) {
        do { try synchronizeFolder(split(path).folder) } catch {
            guard error.code == EACCES else { throw error }
        }
    }

    private static let temporarySuffix = ".tmp"
    /// Files from this size on leave the system's memory once they are durable.
    private static let forgottenBytes = 1 << 20

    /// Calls `make` with hidden names beside `name` until one did not exist, and returns that one.
    static func unusedName(
        in folder: String, for name: String, make: (String) throws(FileError) -> Void
    ) throws(FileError) -> String {
        var attempt = 0
        while true {
            let candidate = "\(folder)/.\(name.prefix(200)).\(getpid()).\(attempt)\(temporarySuffix)"
            do {
                try make(candidate)
                return candidate
            } catch {
                attempt += 1
                guard error.code == EEXIST, attempt < 10_000 else { throw error }
            }
        }
    }

    /// A path's folder (`.` for a bare name) and last component; slashes at the end do not count.
    static func split(_ path: String) -> (folder: String, name: String) {
        var trimmed = path[...]
        while trimmed.count > 1, trimmed.last == "/" { trimmed.removeLast() }
        guard let slash = trimmed.lastIndex(of: "/") else { return (".", String(trimmed)) }
        let folder = trimmed[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(trimmed[trimmed.index(after: slash)...]))
    }
}
