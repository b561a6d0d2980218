internal import Crypto

/// The SHA-256 of some bytes: the name of an object on both sides of a link.
public struct ContentHash: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// 32 bytes.
    public let bytes: [UInt8]

    /// Fails unless there are exactly 32 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    /// Reads 64 hexadecimal digits.
    public init?(_ text: String) {
        guard let bytes = Hexadecimal.read(text, count: 32) else { return nil }
        self.bytes = bytes
    }

    public init(of content: some Collection<UInt8>) {
        var hasher = Hasher()
        hasher.update(content)
        self = hasher.finished()
    }

    public var description: String {
        Hexadecimal.write(bytes)
    }

    /// Hashes content that arrives in pieces.
    public struct Hasher {
        private var state = SHA256()

        public init() {}

        public mutating func update(_ content: some Collection<UInt8>) {
            let isContiguous: Void? = content.withContiguousStorageIfAvailable {
                state.update(bufferPointer: UnsafeRawBufferPointer($0))
            }
            if isContiguous == nil { state.update(data: Array(content)) }
        }

        public mutating func update(_ content: UnsafeRawBufferPointer) {
            state.update(bufferPointer: content)
        }

        public func finished() -> ContentHash {
            ContentHash(digest: state.finalize())
        }
    }

    private init(digest: SHA256Digest) {
        bytes = Array(digest)
    }

    public static func < (left: ContentHash, right: ContentHash) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
