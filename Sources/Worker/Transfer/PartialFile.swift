internal import Glibc
package import ModelFiles

/// A file that grows as its bytes arrive, under a hidden name until it is whole; an interrupted one is taken up again.
package final class PartialFile {
    private let folder: String
    private let name: String
    private let path: String
    private let disk: any Disk
    private let descriptor: Int32
    /// Unit: bytes.
    private(set) var size: UInt64

    /// - Parameter name: A plain file name, as `ModelManifest` admits.
    package init(folder: String, name: String) throws(FileError) {
        self.folder = folder
        self.name = name
        path = "\(folder)/.\(name).part"
        disk = DiskTable.disk(of: folder)
        descriptor = disk.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .last("open", path) }
        size = StateFolder.size(of: path) ?? 0
    }

    deinit { _ = disk.close(descriptor) }

    /// Hands the bytes that an earlier process left to `hasher`.
    func rehash(into hasher: inout ContentHash.Hasher) throws(FileError) {
        try MappedFile(path: path).withBytes { hasher.update($0) }
    }

    func append(_ bytes: [UInt8]) throws(FileError) {
        var done = 0
        while done < bytes.count {
            let written = bytes.withUnsafeBytes { buffer in
                disk.write(descriptor, UnsafeRawBufferPointer(rebasing: buffer[done...]), at: Int(size))
            }
            guard written > 0 else { throw .last("write", path) }
            done += written
            size += UInt64(written)
        }
    }

    func empty() throws(FileError) {
        guard disk.truncate(descriptor, to: 0) == 0 else { throw .last("empty", path) }
        size = 0
    }

    /// Makes the bytes durable and gives the file its name.
    func finish() throws(FileError) {
        guard disk.synchronize(descriptor) == 0 else { throw .last("flush", path) }
        guard disk.rename(path, to: "\(folder)/\(name)") == 0 else { throw .last("rename", path) }
        try AtomicFile.synchronizeFolder(folder)
    }
}
