internal import Crypto
internal import FoundationEssentials

/// Checks what a worker signed with its long-lived Ed25519 identity (RFC 8032).
enum IdentitySignature {
    /// Unit: bytes.
    static let byteCount = 64

    static func isValid(_ signature: [UInt8], of message: [UInt8], by identity: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: identity) else { return false }
        return key.isValidSignature(signature, for: message)
    }
}
