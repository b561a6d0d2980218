import Crypto
import Federation
import FoundationEssentials
import Glibc
import ModelFiles
public import Wire

/// The key a coordinator signs round records with (Ed25519, RFC 8032), `STATE/record.key` with mode 0600.
public struct RecordKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    static func path(in state: String) -> String { state + "/record.key" }

    /// Makes the key of a new chain, or takes the one that an earlier process made just before it died.
    static func readOrCreate(in state: String) throws -> RecordKey {
        let path = path(in: state)
        guard !DiskTable.disk(of: path).exists(path) else { return try RecordKey(path: path) }
        let key = Curve25519.Signing.PrivateKey()
        try AtomicFile.write(Array(key.rawRepresentation), to: path, permissions: 0o600)
        return try RecordKey(path: path)
    }

    init(path: String) throws {
        let bytes = try MappedFile(path: path).copy()
        guard !PrivateAccess.isOpenToOthers(path) else { throw RecordError.keyReadableByOthers(path: path) }
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: Data(bytes)) else {
            throw RecordError.keyDamaged(path: path)
        }
        self.key = key
    }

    public var publicKey: PublicKey {
        guard let key = PublicKey(bytes: Array(key.publicKey.rawRepresentation)) else {
            preconditionFailure("an Ed25519 public key has 32 bytes")
        }
        return key
    }

    func signature(of message: [UInt8]) throws -> [UInt8] { Array(try key.signature(for: message)) }
}

/// Checks an Ed25519 signature.
enum RecordSignature {
    static func isValid(_ signature: [UInt8], of message: [UInt8], by key: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: Data(key)) else { return false }
        return key.isValidSignature(Data(signature), for: Data(message))
    }
}

/// Hides updates behind their hashes: an update and a deterministic trainer would tell whether a text was trained on,
/// and its plain hash would be enough to test a guess.
struct RecordSalt {
    /// 32 random bytes that never leave the state directory.
    let secret: [UInt8]

    static func random() -> RecordSalt {
        RecordSalt(secret: SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) })
    }

    /// HMAC-SHA-256 under the secret, over what names the update and the SHA-256 of its bytes.
    func hash(of object: ContentHash, from worker: WorkerName, run: RunID, round: Int, attempt: Int) -> ContentHash {
        let text = "shoal update 1\n\(run)\n\(round)\n\(attempt)\n\(worker)\n\(object)\n"
        let code = HMAC<SHA256>.authenticationCode(
            for: Data(text.utf8), using: SymmetricKey(data: Data(secret)))
        guard let hash = ContentHash(bytes: Array(code)) else { preconditionFailure("SHA-256 has 32 bytes") }
        return hash
    }
}

/// Why a run's records cannot be gone on with.
public enum RecordError: Error, Hashable, Sendable, CustomStringConvertible {
    case keyReadableByOthers(path: String)
    case keyDamaged(path: String)
    case keyMissing(path: String)
    case otherKey(path: String)

    public var description: String {
        switch self {
        case .keyReadableByOthers(let path): "\(path) holds a secret key that others may read; run: chmod 600 '\(path)'"
        case .keyDamaged(let path): "\(path) holds no signing key; restore it from a backup"
        case .keyMissing(let path):
            "\(path) is missing, and workers refuse records that another key signed; restore it from a backup"
        case .otherKey(let path):
            "\(path) is not the key that signed this run's records; restore the one that belongs to the ledger"
        }
    }
}
