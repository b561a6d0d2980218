internal import Glibc
internal import ModelFiles

/// System calls on a worker's own folders and files.
enum StateFolder {
    /// Creates a folder and those above it; new ones are the owner's alone.
    static func make(_ path: String) throws(FileError) {
        if mkdir(path, 0o700) == 0 { return }
        switch errno {
        case EEXIST:
            var status = stat()
            guard stat(path, &status) == 0 else { throw FileError.last("examine", path) }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw FileError(operation: "make the folder", path: path, code: ENOTDIR)
            }
        case ENOENT:
            guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
                throw FileError.last("make the folder", path)
            }
            try make(String(path[..<slash]))
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw FileError.last("make the folder", path) }
        default: throw FileError.last("make the folder", path)
        }
    }

    /// A small file's bytes; `nil` if there is none.
    static func read(_ path: String, bytesMax: Int) throws(FileError) -> [UInt8]? {
        guard access(path, F_OK) == 0 else { return nil }
        let file = try MappedFile(path: path)
        guard file.bytes.count <= bytesMax else { throw FileError(operation: "read", path: path, code: EFBIG) }
        return file.copy()
    }

    /// Unit: bytes; `nil` if there is no such regular file.
    static func size(of path: String) -> UInt64? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return UInt64(status.st_size)
    }

    /// Removes a file if it is there.
    static func remove(_ path: String) {
        unlink(path)
    }
}
