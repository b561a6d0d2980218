internal import Crypto
internal import FoundationEssentials

/// Random bits from a secret key: ChaCha20's key stream (RFC 8439). The same key gives the same bits, and nobody without
/// it can tell them from chance.
public struct SecretStream: RandomNumberGenerator, Sendable {
    /// Unit: bytes.
    public static let keyBytes = 32

    private let key: SymmetricKey
    private var block: UInt64 = 0
    private var buffer: [UInt8] = []
    private var used = 0
    /// Unit: bytes.
    private static let blockBytes = 1 << 16

    /// - Parameter key: 32 secret bytes, used for one stream only.
    public init(key: [UInt8]) {
        precondition(key.count == Self.keyBytes, "a key of \(key.count) bytes")
        self.key = SymmetricKey(data: key)
    }

    /// A new key from the system's cryptographic generator.
    public static func randomKey() -> [UInt8] {
        SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
    }

    /// A key that follows from other secret bytes and a text that names its use (HMAC-SHA-256).
    public static func key(from secret: [UInt8], for use: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(use.utf8), using: SymmetricKey(data: secret)))
    }

    public mutating func next() -> UInt64 {
        if used == buffer.count { refill() }
        defer { used += 8 }
        return (0..<8).reduce(0) { $0 | UInt64(buffer[used + $1]) << (8 * UInt64($1)) }
    }

    private mutating func refill() {
        let nonce = (0..<12).map { $0 < 8 ? UInt8(truncatingIfNeeded: block >> (8 * UInt64($0))) : 0 }
        block += 1
        guard let nonce = try? ChaChaPoly.Nonce(data: nonce),
            let box = try? ChaChaPoly.seal([UInt8](repeating: 0, count: Self.blockBytes), using: key, nonce: nonce)
        else { preconditionFailure("a nonce of 12 bytes and a key of 32") }
        buffer = Array(box.ciphertext)
        used = 0
    }
}
