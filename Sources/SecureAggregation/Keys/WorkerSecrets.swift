package import Crypto
internal import FoundationEssentials

/// Everything secret that a worker uses in one attempt, derived from 32 random bytes, so that a worker that was
/// interrupted has the same keys again from what it kept.
struct WorkerSecrets: Sendable {
    /// Agrees on masks; shared among the neighbours, who uncover it if the worker drops out.
    let maskKey: AgreementKey
    /// Agrees on what shares are sealed with; never leaves the worker.
    let shareKey: AgreementKey
    /// The worker's own mask comes from it; shared among the neighbours, who uncover it if the worker survives. 32
    /// bytes.
    let selfSeed: [UInt8]
    private let root: SymmetricKey

    /// - Parameter attemptSecret: 32 bytes of a cryptographic generator, used for this attempt alone.
    init(attemptSecret: [UInt8], context: MaskingContext) {
        precondition(attemptSecret.count == 32, "a secret of \(attemptSecret.count) bytes")
        root = SymmetricKey(data: attemptSecret)
        maskKey = AgreementKey(secret: Derivation.bytes(from: root, for: context.bytes("mask key").bytes))
        shareKey = AgreementKey(secret: Derivation.bytes(from: root, for: context.bytes("share key").bytes))
        selfSeed = Derivation.bytes(from: root, for: context.bytes("self seed").bytes)
    }

    /// The key of the stream that the sharing polynomials are drawn from.
    func polynomialKey(_ session: MaskingSession) -> [UInt8] {
        Derivation.bytes(from: root, for: session.bytes("polynomials").bytes)
    }
}

/// HKDF with SHA-256 (RFC 5869), without a salt: what keys are derived from is uniform, or a fresh X25519 agreement.
package enum Derivation {
    package static func bytes(
        from key: SymmetricKey, for use: [UInt8], salt: [UInt8] = [], count: Int = 32
    ) -> [UInt8] {
        HKDF<SHA256>.deriveKey(inputKeyMaterial: key, salt: salt, info: use, outputByteCount: count)
            .withUnsafeBytes { Array($0) }
    }
}
