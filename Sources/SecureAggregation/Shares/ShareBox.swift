internal import Crypto
internal import FoundationEssentials

/// Both shares that one worker gives another, sealed with ChaCha20-Poly1305 (RFC 8439) so that the coordinator, which
/// passes them on, cannot read or exchange them.
///
/// The key follows from the two workers' X25519 agreement and from who sends to whom in which attempt, and seals one
/// box; the same names are authenticated once more as associated data. So the nonce can be zero.
struct ShareBox {
    /// Unit: bytes.
    static let byteCount = 2 * SecretShare.byteCount + 16

    private let key: SymmetricKey
    private let names: [UInt8]
    private static let nonce = [UInt8](repeating: 0, count: 12)

    /// - Returns: `nil` for a public key that agrees on nothing.
    init?(
        _ session: MaskingSession, own: AgreementKey, other: [UInt8], from sender: Int, to receiver: Int
    ) {
        var names = session.bytes("sealed shares")
        names.append(UInt32(sender))
        names.append(UInt32(receiver))
        guard let key = own.shared(with: other, for: names.bytes) else { return nil }
        self.key = SymmetricKey(data: key)
        self.names = names.bytes
    }

    func seal(maskKey: SecretShare, selfSeed: SecretShare) -> [UInt8] {
        guard let nonce = try? ChaChaPoly.Nonce(data: Self.nonce),
            let box = try? ChaChaPoly.seal(
                maskKey.bytes + selfSeed.bytes, using: key, nonce: nonce, authenticating: names)
        else { preconditionFailure("a key of 32 bytes and a nonce of 12") }
        return Array(box.ciphertext) + Array(box.tag)
    }

    /// - Returns: `nil` if these bytes were not sealed for these two workers and this attempt.
    func open(_ bytes: [UInt8]) -> HeldShares? {
        guard bytes.count == Self.byteCount,
            let box = try? ChaChaPoly.SealedBox(combined: Self.nonce + bytes),
            let plain = try? ChaChaPoly.open(box, using: key, authenticating: names),
            let maskKey = try? SecretShare(Array(plain.prefix(SecretShare.byteCount))),
            let selfSeed = try? SecretShare(Array(plain.suffix(SecretShare.byteCount)))
        else { return nil }
        return HeldShares(maskKey: maskKey, selfSeed: selfSeed)
    }
}

/// The shares of one neighbour that a worker holds; at most one of the two is ever revealed.
struct HeldShares: Hashable, Sendable {
    let maskKey: SecretShare
    let selfSeed: SecretShare
}
