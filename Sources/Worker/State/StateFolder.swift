internal import Glibc
internal import ModelFiles

/// System calls on a worker's own folders and files.
enum StateFolder {
    /// Creates a folder and those above it; new ones are the owner's alone.
    static func make(_ path: String) throws(FileError) {
        let disk = DiskTable.disk(of: path)
        if disk.makeFolder(path, 0o700) == 0 { return try AtomicFile.synchronizeEntry(of: path) }
        switch errno {
        case EEXIST:
            guard let status = disk.status(path, followsLinks: true) else { throw FileError.last("examine", path) }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw FileError(operation: "make the folder", path: path, code: ENOTDIR)
            }
        case ENOENT:
            guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
                throw FileError.last("make the folder", path)
            }
            try make(String(path[..<slash]))
            guard disk.makeFolder(path, 0o700) == 0 || errno == EEXIST else {
                throw FileError.last("make the folder", path)
            }
            try AtomicFile.synchronizeEntry(of: path)
        default: throw FileError.last("make the folder", path)
        }
    }

    /// A small file's bytes; `nil` if there is none.
    static func read(_ path: String, bytesMax: Int) throws(FileError) -> [UInt8]? {
        guard DiskTable.disk(of: path).exists(path) else { return nil }
        let file = try MappedFile(path: path)
        guard file.bytes.count <= bytesMax else { throw FileError(operation: "read", path: path, code: EFBIG) }
        return file.copy()
    }

    /// Writes a file in place, for its owner alone and without waiting for the disk: for what can be made again, and whose
    /// reader finds out by itself whether it is whole. What an earlier one of the same size took of disk and memory is
    /// taken again.
    static func overwrite(_ path: String, with bytes: [UInt8]) throws(FileError) {
        let disk = DiskTable.disk(of: path)
        let descriptor = disk.open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileError.last("open", path) }
        defer { _ = disk.close(descriptor) }
        try disk.writeAll(bytes, to: descriptor, path: path)
        guard disk.truncate(descriptor, to: bytes.count) == 0 else { throw FileError.last("cut", path) }
    }

    /// Unit: bytes; `nil` if there is no such regular file.
    static func size(of path: String) -> UInt64? {
        guard let status = DiskTable.disk(of: path).status(path, followsLinks: false),
            status.st_mode & S_IFMT == S_IFREG
        else { return nil }
        return UInt64(status.st_size)
    }

    /// Whether somebody else could have read a secret; no if there is no such file.
    static func isReadableByOthers(_ path: String) -> Bool {
        DiskTable.disk(of: path).status(path, followsLinks: true).map { $0.st_mode & 0o077 != 0 } ?? false
    }

    /// Removes a file if it is there.
    static func remove(_ path: String) {
        _ = DiskTable.disk(of: path).unlink(path)
    }
}
