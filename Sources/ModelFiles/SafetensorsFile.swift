/// A safetensors file: an 8-byte little-endian header size, a JSON header, then the tensors' bytes.
///
/// The header is checked whole before any tensor is handed out, as the reference implementation checks it: every byte
/// of the data section belongs to exactly one tensor, and each tensor's size follows from its shape and type.
/// Format: https://github.com/huggingface/safetensors#format
public struct SafetensorsFile: Sendable {
    /// The largest header that is read, the reference implementation's limit. Unit: bytes.
    public static let headerBytesMax = 100_000_000

    /// One tensor; keeps the file's bytes alive.
    public struct Tensor: Sendable {
        public let name: String
        public let elementType: ElementType
        /// Row-major; empty for a scalar.
        public let shape: [Int]
        /// The product of `shape`.
        public let count: Int
        /// The file it lies in, for messages.
        public let file: String
        let storage: Storage
        let range: Range<Int>

        /// Little-endian values, `count * elementType.byteCount` bytes. Valid only while this tensor lives, and Swift
        /// may release it right after the last mention of its name: prefer ``withBytes(_:)``, or store the tensor
        /// beside what points into it.
        ///
        /// Writers align the data section to 8 bytes; files that predate that may give any alignment, so check the
        /// address before binding it to a wider type.
        public var bytes: UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: storage.bytes[range])
        }

        /// Lends ``bytes``, which stay valid until `body` returns.
        public func withBytes<Result, Failure>(
            _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            defer { withExtendedLifetime(storage) {} }
            return try body(bytes)
        }
    }

    /// What keeps the bytes at their address.
    enum Storage: Sendable {
        case mapped(MappedFile)
        case owned(OwnedBytes)

        var bytes: UnsafeRawBufferPointer {
            switch self {
            case .mapped(let file): file.bytes
            case .owned(let owned): owned.bytes
            }
        }
    }

    /// In the order of their bytes.
    public let tensors: [Tensor]
    /// The header's `__metadata__`.
    public let metadata: [String: String]
    /// Path, or the name given with the bytes.
    public let name: String
    private let indices: [String: Int]

    /// Maps a file.
    public init(path: String) throws(SafetensorsError) {
        let file: MappedFile
        do { file = try MappedFile(path: path) } catch { throw .unreadable(error) }
        try self.init(file)
    }

    /// Reads a file that is already mapped.
    package init(_ file: MappedFile) throws(SafetensorsError) {
        try self.init(storage: .mapped(file), name: file.path)
    }

    /// Reads a file that arrived over a link; `name` stands for it in messages.
    public init(bytes: [UInt8], name: String) throws(SafetensorsError) {
        try self.init(storage: .owned(OwnedBytes(bytes)), name: name)
    }

    private init(storage: Storage, name: String) throws(SafetensorsError) {
        defer { withExtendedLifetime(storage) {} }
        let header = try SafetensorsHeader(storage.bytes, file: name)
        self.name = name
        self.metadata = header.metadata
        self.tensors = header.entries.map { entry in
            let first = header.dataStart + entry.begin
            return Tensor(
                name: entry.name, elementType: entry.elementType, shape: entry.shape, count: entry.count, file: name,
                storage: storage, range: first..<first + entry.byteCount)
        }
        self.indices = Dictionary(uniqueKeysWithValues: tensors.enumerated().map { ($1.name, $0) })
    }

    /// The tensor of that name, or `nil`.
    public func tensor(_ name: String) -> Tensor? {
        indices[name].map { tensors[$0] }
    }
}
