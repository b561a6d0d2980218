import Glibc
public import ModelFiles

/// What a worker keeps between its runs: whether it is enrolled, the base model it downloaded, the global adapter it
/// works from, and an update that the coordinator has not acknowledged.
public struct WorkerFolder: Sendable {
    public let path: String

    /// Creates the folder and its sub-folders.
    public init(path: String) throws(FileError) {
        self.path = path
        for folder in [path, path + "/models", path + "/objects", path + "/partial"] { try Self.create(folder) }
    }

    /// Whether the coordinator has registered this worker's own keys.
    public var isEnrolled: Bool { access(path + "/enrolled", F_OK) == 0 }

    func markEnrolled(as name: String) throws(FileError) {
        try AtomicFile.write(Array("\(name)\n".utf8), to: path + "/enrolled")
    }

    /// Where a downloaded base model lies.
    func model(_ identity: ContentHash) -> String { path + "/models/" + identity.description.prefix(16) }
    func object(_ hash: ContentHash) -> String { path + "/objects/\(hash)" }
    func partial(_ hash: ContentHash) -> String { path + "/partial/\(hash)" }
    var update: String { path + "/update" }

    /// Unit: bytes; `nil` if there is no such file.
    static func size(_ path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    static func create(_ folder: String) throws(FileError) {
        if mkdir(folder, 0o700) == 0 || errno == EEXIST { return }
        let parts = folder.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        guard errno == ENOENT, !parts.isEmpty else { throw FileError.last("create", folder) }
        try create(parts.joined(separator: "/"))
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw FileError.last("create", folder) }
    }

    static func remove(_ path: String) { unlink(path) }

    static func append(_ bytes: [UInt8], to path: String) throws(FileError) {
        let descriptor = retryingInterrupts { open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) }
        guard descriptor >= 0 else { throw FileError.last("open", path) }
        defer { close(descriptor) }
        var offset = 0
        while offset < bytes.count {
            let written = bytes.withUnsafeBytes { buffer in
                let rest = UnsafeRawBufferPointer(rebasing: buffer[offset...])
                return retryingInterrupts { write(descriptor, rest.baseAddress, rest.count) }
            }
            guard written > 0 else { throw FileError.last("write", path) }
            offset += written
        }
    }

    /// Gives a verified file its final name.
    static func move(_ source: String, to target: String) throws(FileError) {
        guard rename(source, target) == 0 else { throw FileError.last("rename \(source) to", target) }
    }

    func removeObjects(where isUnwanted: (ContentHash) -> Bool) {
        guard let listing = opendir(path + "/objects") else { return }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let hash = ContentHash(name), isUnwanted(hash) { unlink(path + "/objects/" + name) }
        }
    }
}
