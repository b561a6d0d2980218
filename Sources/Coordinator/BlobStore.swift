import Glibc
public import ModelFiles

/// Names an upload in progress; it outlives connections and restarts.
public struct UploadKey: Hashable, Sendable {
    /// `<run>-<round>-<attempt>-<worker>`; worker names are fit for file names.
    public let owner: String
    public let object: ContentHash

    public init(owner: String, object: ContentHash) {
        self.owner = owner
        self.object = object
    }

    /// A retrained update has another hash: its bytes must not continue the old ones.
    var fileName: String { "\(owner)@\(object)" }
}

/// Objects under their SHA-256, `blobs/ab/abcd…`, and uploads on their way there, `partial/…`.
///
/// A blob appears whole or not at all: bytes reach the disk before the name does (fsync, rename, fsync of the folder).
/// An upload's parts are only appended; whether they survived a power cut is settled by the hash at its commit.
public final class BlobStore {
    private let directory: String

    /// - Parameter directory: The state directory.
    public init(directory: String) throws(FileError) {
        self.directory = directory
        try StateDirectory.createFolder(directory + "/blobs")
        try StateDirectory.createFolder(directory + "/partial")
    }

    public func contains(_ object: ContentHash) -> Bool {
        access(path(of: object), F_OK) == 0
    }

    public func read(_ object: ContentHash) throws(FileError) -> [UInt8] {
        try map(object).copy()
    }

    /// The object's file, mapped.
    public func map(_ object: ContentHash) throws(FileError) -> MappedFile {
        try MappedFile(path: path(of: object))
    }

    /// The bytes if they are those of their name; `nil` if the blob is missing, damaged or cannot be read.
    func soundBytes(of object: ContentHash) -> [UInt8]? {
        guard let bytes = try? read(object), ContentHash(of: bytes) == object else { return nil }
        return bytes
    }

    /// Writing what is there already changes nothing.
    @discardableResult
    public func write(_ bytes: [UInt8]) throws(FileError) -> ContentHash {
        let object = ContentHash(of: bytes)
        try StateDirectory.createFolder(folder(of: object))
        try AtomicFile.write(bytes, to: path(of: object))
        return object
    }

    public func remove(_ object: ContentHash) {
        unlink(path(of: object))
    }

    private func folder(of object: ContentHash) -> String { directory + "/blobs/" + object.description.prefix(2) }
    func path(of object: ContentHash) -> String { folder(of: object) + "/" + object.description }
}

// MARK: - Uploads
extension BlobStore {
    /// Bytes held of an upload; all of them if its blob is complete.
    public func receivedBytes(of upload: UploadKey) -> Int {
        var status = stat()
        let isThere = stat(path(of: upload), &status) == 0 || stat(path(of: upload.object), &status) == 0
        return isThere ? Int(status.st_size) : 0
    }

    /// Appends at the end of what is held; the caller has checked that `bytes` belong there.
    public func append(_ bytes: [UInt8], to upload: UploadKey) throws(FileError) {
        let path = path(of: upload)
        let descriptor = retryingInterrupts { open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644) }
        guard descriptor >= 0 else { throw FileError.last("open", path) }
        defer { close(descriptor) }
        var offset = 0
        while offset < bytes.count {
            let written = bytes.withUnsafeBytes { buffer in
                let rest = UnsafeRawBufferPointer(rebasing: buffer[offset...])
                return retryingInterrupts { Glibc.write(descriptor, rest.baseAddress, rest.count) }
            }
            guard written > 0 else { throw FileError.last("write", path) }
            offset += written
        }
    }

    /// The upload's bytes so far, from its blob if it is complete.
    public func bytes(of upload: UploadKey) throws(FileError) -> [UInt8] {
        if access(path(of: upload), F_OK) != 0 { return try read(upload.object) }
        let file = try MappedFile(path: path(of: upload))
        return file.copy()
    }

    /// Turns an upload whose hash was verified into a durable blob. Again after a crash half-way: no harm.
    public func commit(_ upload: UploadKey) throws(FileError) {
        let source = path(of: upload)
        guard access(source, F_OK) == 0 else { return }
        try StateDirectory.createFolder(folder(of: upload.object))
        try flush(source)
        guard rename(source, path(of: upload.object)) == 0 else { throw FileError.last("rename", source) }
        try flush(folder(of: upload.object))
        try flush(directory + "/blobs")
    }

    public func discard(_ upload: UploadKey) {
        unlink(path(of: upload))
    }

    /// Drops the uploads in progress whose owner and object (hexadecimal) `isUnwanted` names.
    public func discardUploads(where isUnwanted: (_ owner: String, _ object: String) -> Bool) {
        guard let listing = opendir(directory + "/partial") else { return }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard !name.hasPrefix("."), let at = name.lastIndex(of: "@"),
                isUnwanted(String(name[..<at]), String(name[name.index(after: at)...]))
            else { continue }
            unlink(directory + "/partial/" + name)
        }
    }

    private func flush(_ path: String) throws(FileError) {
        let descriptor = retryingInterrupts { open(path, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw FileError.last("open", path) }
        defer { close(descriptor) }
        // Some file systems cannot flush a folder and say EINVAL.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw FileError.last("flush", path) }
    }

    private func path(of upload: UploadKey) -> String { directory + "/partial/" + upload.fileName }
}
