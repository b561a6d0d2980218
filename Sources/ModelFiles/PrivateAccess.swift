internal import Glibc

/// Folders and files that are their owner's alone.
package enum PrivateAccess {
    /// Creates a folder and those above it that are missing, durably and with mode 0700; one that is there stays as it is.
    ///
    /// - Throws: `ENOTDIR` where a file has the name.
    package static func makeFolder(_ path: String) throws(FileError) {
        let disk = DiskTable.disk(of: path)
        var made = disk.makeFolder(path, 0o700)
        if made != 0, errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            try makeFolder(String(path[..<slash]))
            made = disk.makeFolder(path, 0o700)
        }
        if made == 0 { return try AtomicFile.synchronizeEntry(of: path) }
        guard errno == EEXIST else { throw FileError.last("make the folder", path) }
        guard let status = disk.status(path, followsLinks: true) else { throw FileError.last("examine", path) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw FileError(operation: "make the folder", path: path, code: ENOTDIR)
        }
    }

    /// Whether somebody else could have read a secret; no if there is no such file.
    package static func isOpenToOthers(_ path: String) -> Bool {
        DiskTable.disk(of: path).status(path, followsLinks: true).map { isOpenToOthers(mode: $0.st_mode) } ?? false
    }

    /// - Parameter mode: As stat(2) tells it.
    package static func isOpenToOthers(mode: UInt32) -> Bool { mode & 0o077 != 0 }
}
