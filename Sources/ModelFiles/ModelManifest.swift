internal import Glibc

/// The files that make a base model's identity, each with size and SHA-256.
///
/// It lists what changes what the model computes, how text becomes tokens, or the chat template: `config.json`,
/// `tokenizer.json`, `tokenizer_config.json`, `chat_template.*`, and the weights with their index. Left out is what
/// only steers sampling (`generation_config.json`) or repeats the tokenizer (`special_tokens_map.json`, `vocab.json`,
/// `merges.txt`). A worker without the model downloads the manifest by its hash and then the files by theirs.
public struct ModelManifest: Sendable, Hashable {
    public struct File: Sendable, Hashable {
        /// A plain file name: no slash, no leading dot.
        public let name: String
        /// Unit: bytes.
        public let size: Int
        public let hash: ContentHash
    }

    /// Ascending by name, UTF-8 bytes.
    public let files: [File]

    /// Entries; a checkpoint of a thousand shards fits.
    public static let fileCountMax = 4096
    /// Unit: bytes.
    public static let encodedBytesMax = 2 << 20
    /// All files together, so that sums of sizes cannot overflow. Unit: bytes.
    public static let totalBytesMax = 1 << 50

    private static let format = "shoal-model-1"
    private static let requiredFiles = ["config.json", "tokenizer.json"]
    private static let optionalFiles = ["chat_template.jinja", "chat_template.json", "tokenizer_config.json"]

    /// Hashes a model directory's files through memory maps; the weights' headers are checked too.
    public init(directory: String) throws(ModelManifestError) {
        let weights: [String]
        do { weights = try Checkpoint(directory: directory).files } catch { throw .weights(error) }
        let optional = Self.optionalFiles.filter { access(directory + "/" + $0, F_OK) == 0 }
        var files: [File] = []
        for name in (Self.requiredFiles + optional + weights).sorted(by: Self.precedes) {
            let file: MappedFile
            do { file = try MappedFile(path: directory + "/" + name) } catch { throw .unreadable(error) }
            files.append(
                file.withBytes { bytes in
                    var hasher = ContentHash.Hasher()
                    hasher.update(bytes)
                    return File(name: name, size: bytes.count, hash: hasher.finished())
                })
        }
        self.files = files
    }

    /// Reads a manifest that arrived over a link; only the canonical encoding is taken, so one content has one hash.
    public init(decoding bytes: [UInt8]) throws(ModelManifestError) {
        guard bytes.count <= Self.encodedBytesMax else {
            throw .tooLarge(bytes: bytes.count, limit: Self.encodedBytesMax)
        }
        let document: JSONValue
        do { document = try JSONValue(parsing: bytes) } catch { throw .malformed(reason: error.description) }
        guard case .object(let members) = document, members["format"] == .string(Self.format),
            case .array(let values)? = members["files"]
        else { throw .malformed(reason: "it is no \(Self.format) document") }
        guard (1...Self.fileCountMax).contains(values.count) else {
            throw .malformed(reason: "it lists \(values.count) files, 1 to \(Self.fileCountMax) may stand there")
        }
        var files: [File] = []
        var total = 0
        for value in values {
            let file = try Self.file(value)
            total += file.size
            guard total <= Self.totalBytesMax else { throw .malformed(reason: "its files are too large") }
            files.append(file)
        }
        self.files = files
        guard encoded() == bytes else {
            throw .malformed(reason: "its names are not unique and ascending, or it is not in canonical form")
        }
    }

    private static func file(_ value: JSONValue) throws(ModelManifestError) -> File {
        guard case .object(let members) = value, case .string(let name)? = members["name"],
            case .integer(let size)? = members["size"], case .string(let digits)? = members["sha256"],
            let hash = ContentHash(digits)
        else { throw .malformed(reason: "an entry lacks name, size or sha256") }
        guard isPlainFileName(name) else { throw .malformed(reason: "an entry has a name that is no plain file name") }
        guard (0...totalBytesMax).contains(size) else { throw .malformed(reason: "\(name) has an impossible size") }
        return File(name: name, size: size, hash: hash)
    }

    /// Canonical JSON: one line, keys sorted, files ascending by name and each once.
    public func encoded() -> [UInt8] {
        var unique: [File] = []
        for file in files.sorted(by: { Self.precedes($0.name, $1.name) }) where unique.last?.name != file.name {
            unique.append(file)
        }
        let entries = unique.map { file in
            JSONValue.object([
                "name": .string(file.name), "sha256": .string(file.hash.description), "size": .integer(file.size),
            ])
        }
        return JSONText.encode(.object(["files": .array(entries), "format": .string(Self.format)]))
    }

    /// The base model's identity: the SHA-256 of the canonical JSON.
    public var identity: ContentHash {
        ContentHash(of: encoded())
    }

    public subscript(name: String) -> File? {
        files.first { $0.name == name }
    }

    private static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}

/// What is wrong with a model directory or with a manifest that a coordinator sent.
public enum ModelManifestError: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(FileError)
    case weights(CheckpointError)
    case tooLarge(bytes: Int, limit: Int)
    case malformed(reason: String)

    public var description: String {
        switch self {
        case .unreadable(let error):
            error.description + "; a model directory holds config.json, tokenizer.json and *.safetensors"
        case .weights(let error): error.description
        case .tooLarge(let bytes, let limit): "the model manifest has \(bytes) bytes, the limit is \(limit)"
        case .malformed(let reason): "the model manifest is malformed: \(reason)"
        }
    }
}
