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

/// Objects under their SHA-256, `blobs/ab/abcd…`, uploads on their way there, `partial/…`, and small updates together in
/// ``UpdateSegments``.
///
/// A blob appears whole or not at all: bytes reach the disk before the name does (fsync, rename, fsync of the folder).
/// An upload's parts are only appended; whether they survived a power cut is settled by the hash at its commit.
public final class BlobStore {
    private let directory: String
    /// The one that ``directory`` lies on.
    private let disk: any Disk
    private let segments: UpdateSegments
    /// Objects that nothing is needed of, still there.
    private var retired: [ContentHash] = []

    /// - Parameter directory: The state directory.
    public init(directory: String) throws(FileError) {
        self.directory = directory
        disk = DiskTable.disk(of: directory)
        try PrivateAccess.makeFolder(directory + "/blobs")
        try PrivateAccess.makeFolder(directory + "/partial")
        segments = try UpdateSegments(state: directory)
        // What a process that was killed had not made durable yet is trusted from here on.
        try AtomicFile.synchronizeFolder(directory)
        try AtomicFile.synchronizeFolder(directory + "/blobs")
    }

    public func contains(_ object: ContentHash) -> Bool {
        segments.contains(object) || disk.exists(path(of: object))
    }

    public func read(_ object: ContentHash) throws(FileError) -> [UInt8] {
        try map(object).copy()
    }

    /// The object, mapped.
    public func map(_ object: ContentHash) throws(FileError) -> MappedFile {
        if let small = try segments.map(object) { return small }
        return try MappedFile(path: path(of: object))
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
        try write(bytes, as: object)
        return object
    }

    /// - Parameter object: The SHA-256 of `bytes`.
    func write(_ bytes: [UInt8], as object: ContentHash) throws(FileError) {
        retired.removeAll { $0 == object }
        try PrivateAccess.makeFolder(folder(of: object))
        try AtomicFile.write(bytes, to: path(of: object), permissions: 0o600)
    }

    public func remove(_ object: ContentHash) {
        segments.remove(object)
        _ = disk.unlink(path(of: object))
    }

    /// Lets objects go with the next calls of ``sweep()``; one that is written again before stays.
    package func retire(_ objects: [ContentHash]) {
        retired += objects
    }

    /// Everything that is held.
    package var objects: Set<ContentHash> { Set(blobs).union(segments.objects) }

    /// Lets everything but these objects go, with what a process that was killed had half written.
    package func retire(except needed: Set<ContentHash>) {
        for folder in folders { AtomicFile.removeTemporaries(in: folder) }
        retired = objects.subtracting(needed).sorted { $0.description < $1.description }
    }

    /// Removes one file of what was retired: a large one takes the file system milliseconds.
    ///
    /// - Returns: Whether there was one.
    package func sweep() -> Bool {
        while let object = retired.popLast() {
            // One that came twice may lie in both places.
            segments.remove(object)
            if disk.unlink(path(of: object)) == 0 { return true }
        }
        return segments.sweep()
    }

    private var folders: [String] { (disk.names(in: directory + "/blobs") ?? []).map { directory + "/blobs/" + $0 } }
    private var blobs: [ContentHash] { folders.flatMap { disk.names(in: $0) ?? [] }.compactMap { ContentHash($0) } }
    private func folder(of object: ContentHash) -> String { directory + "/blobs/" + object.description.prefix(2) }
    func path(of object: ContentHash) -> String { folder(of: object) + "/" + object.description }
}

// MARK: - Uploads
extension BlobStore {
    /// Bytes held of an upload; all of them if its blob is complete.
    public func receivedBytes(of upload: UploadKey) -> Int {
        (try? map(upload))?.bytes.count ?? 0
    }

    /// What is held of an upload, mapped: its blob if it is complete; `nil` if there is nothing, or only a blob that is
    /// to go.
    package func map(_ upload: UploadKey) throws(FileError) -> MappedFile? {
        if disk.exists(path(of: upload)) { return try MappedFile(path: path(of: upload)) }
        guard !retired.contains(upload.object), disk.exists(path(of: upload.object)) else { return nil }
        return try MappedFile(path: path(of: upload.object))
    }

    /// Appends at the end of what is held; the caller has checked that `bytes` belong there.
    public func append(_ bytes: [UInt8], to upload: UploadKey) throws(FileError) {
        let path = path(of: upload)
        let descriptor = disk.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileError.last("open", path) }
        defer { _ = disk.close(descriptor) }
        try disk.writeAll(bytes, to: descriptor, path: path)
        disk.beginSynchronizing(descriptor)
    }

    /// Makes updates durable, whose hashes were verified.
    package func keep(_ updates: [ReceivedUpdate]) throws(FileError) {
        let objects = Set(updates.map(\.object))
        retired.removeAll { objects.contains($0) }
        var whole: [(object: ContentHash, bytes: [UInt8])] = []
        var uploads: [UploadKey] = []
        for update in updates {
            switch update {
            case .whole(let object, let bytes): whole.append((object, bytes))
            case .uploaded(let upload): uploads.append(upload)
            }
        }
        if !whole.isEmpty { try segments.append(whole) }
        if !uploads.isEmpty { try commit(uploads) }
    }

    /// Drops all uploads in progress and all small updates: none of them counts any more. The latter's files go with
    /// ``sweep()``.
    package func discardUpdates() {
        discardUploads { _, _ in true }
        segments.retire()
    }

    /// Turns uploads whose hashes were verified into durable blobs. Again after a crash half-way: no harm.
    ///
    /// - Throws: Also where neither an upload's bytes nor its blob is there.
    public func commit(_ uploads: [UploadKey]) throws(FileError) {
        for upload in uploads {
            let (source, target) = (path(of: upload), path(of: upload.object))
            try PrivateAccess.makeFolder(folder(of: upload.object))
            guard disk.exists(source) else {
                try flush(target)
                continue
            }
            try flush(source)
            guard disk.rename(source, to: target) == 0 else { throw FileError.last("rename", source) }
        }
        // Also after a crash half-way: whether the names were durable is not known then.
        for folder in Set(uploads.map { folder(of: $0.object) }).sorted() { try flush(folder) }
        try flush(directory + "/blobs")
    }

    public func discard(_ upload: UploadKey) {
        _ = disk.unlink(path(of: upload))
    }

    /// Drops the uploads in progress whose owner and object (hexadecimal) `isUnwanted` names.
    public func discardUploads(where isUnwanted: (_ owner: String, _ object: String) -> Bool) {
        for name in disk.names(in: directory + "/partial") ?? [] {
            guard !name.hasPrefix("."), let at = name.lastIndex(of: "@"),
                isUnwanted(String(name[..<at]), String(name[name.index(after: at)...]))
            else { continue }
            _ = disk.unlink(directory + "/partial/" + name)
        }
    }

    private func flush(_ path: String) throws(FileError) {
        let descriptor = disk.open(path, O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw FileError.last("open", path) }
        defer { _ = disk.close(descriptor) }
        // Some file systems cannot flush a folder and say EINVAL.
        guard disk.synchronize(descriptor) == 0 || errno == EINVAL else { throw FileError.last("flush", path) }
    }

    private func path(of upload: UploadKey) -> String { directory + "/partial/" + upload.fileName }
}
