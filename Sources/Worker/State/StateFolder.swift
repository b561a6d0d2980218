internal import Glibc
internal import ModelFiles

/// System calls on a worker's own folders and files.
enum StateFolder {
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

    /// Removes a file if it is there.
    static func remove(_ path: String) {
        _ = DiskTable.disk(of: path).unlink(path)
    }
}
