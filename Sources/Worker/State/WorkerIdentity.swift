internal import Crypto
internal import FoundationEssentials
internal import Glibc
public import ModelFiles
public import Wire

/// The key a worker signs with (Ed25519, RFC 8032), kept in `signing.key` of its state folder with mode 0600.
public struct WorkerIdentity: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// Reads the key, or makes one if the folder has none.
    public init(folder: String) throws(WorkerIdentityError) {
        let path = folder + "/signing.key"
        let bytes: [UInt8]?
        do { bytes = try StateFolder.read(path, bytesMax: 4 << 10) } catch { throw .file(error) }
        guard let bytes else {
            key = Curve25519.Signing.PrivateKey()
            let raw = Array(key.rawRepresentation)
            do throws(FileError) {
                try PrivateAccess.makeFolder(folder)
                try AtomicFile.write(raw, to: path, permissions: 0o600)
            } catch { throw .file(error) }
            return
        }
        guard !PrivateAccess.isOpenToOthers(path) else { throw .readableByOthers(path: path) }
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: Data(bytes)) else {
            throw .invalid(path: path)
        }
        self.key = key
    }

    /// The half that enrolment registers.
    public var publicKey: PublicKey {
        guard let key = PublicKey(bytes: Array(key.publicKey.rawRepresentation)) else {
            preconditionFailure("an Ed25519 public key has 32 bytes")
        }
        return key
    }

    /// An Ed25519 signature, 64 bytes.
    public func signature(of message: [UInt8]) throws -> [UInt8] {
        Array(try key.signature(for: message))
    }
}

/// Why there is no key to sign with.
public enum WorkerIdentityError: Error, Hashable, Sendable, CustomStringConvertible {
    case file(FileError)
    case readableByOthers(path: String)
    case invalid(path: String)

    public var description: String {
        switch self {
        case .file(let error): error.description
        case .readableByOthers(let path):
            "\(path) holds a secret key that others may read; run: chmod 600 '\(path)'"
        case .invalid(let path):
            "\(path) holds no signing key; remove it and enrol again with a new join file"
        }
    }
}
