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
        let digits = text.utf8.compactMap { UInt8(ascii: $0) }
        guard digits.count == 64, text.utf8.count == 64 else { return nil }
        bytes = stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    public init(of content: some Collection<UInt8>) {
        var hasher = Hasher()
        hasher.update(content)
        self = hasher.finished()
    }

    public var description: String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
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

extension UInt8 {
    fileprivate init?(ascii digit: UInt8) {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self = digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self = digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self = digit - UInt8(ascii: "A") + 10
        default: return nil
        }
    }
}
