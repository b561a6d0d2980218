internal import Crypto
internal import FoundationEssentials

/// A worker's secret half of an X25519 agreement (RFC 7748).
package struct AgreementKey: Sendable {
    private let key: Curve25519.KeyAgreement.PrivateKey

    /// - Parameter secret: Any 32 bytes; X25519 clamps them.
    package init(secret: [UInt8]) {
        guard let key = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: secret) else {
            preconditionFailure("an X25519 key of \(secret.count) bytes")
        }
        self.key = key
    }

    /// 32 bytes.
    var secret: [UInt8] { Array(key.rawRepresentation) }
    /// 32 bytes.
    package var publicKey: [UInt8] { Array(key.publicKey.rawRepresentation) }

    /// 32 bytes that both sides derive from their agreement, for one use.
    ///
    /// - Parameter other: The other side's public key.
    /// - Returns: `nil` if the other side's key is none, or one of the few that agree on nothing secret.
    func shared(with other: [UInt8], for use: [UInt8]) -> [UInt8]? {
        agreed(with: other)?.hkdfDerivedSymmetricKey(
            using: SHA256.self, salt: [UInt8](), sharedInfo: use, outputByteCount: 32
        ).withUnsafeBytes { Array($0) }
    }

    /// The agreement itself, for checks against published values.
    package func agreement(with other: [UInt8]) -> [UInt8]? { agreed(with: other)?.withUnsafeBytes { Array($0) } }

    private func agreed(with other: [UInt8]) -> SharedSecret? {
        guard let other = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: other) else { return nil }
        guard let secret = try? key.sharedSecretFromKeyAgreement(with: other),
            // RFC 7748, section 6.1: points of low order agree on zero with everybody, and the library says nothing.
            secret.withUnsafeBytes({ $0.reduce(0, |) }) != 0
        else { return nil }
        return secret
    }
}
