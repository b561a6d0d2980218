package import Federation

/// One holder's part of a 32-byte secret: the value of five polynomials at the holder's point (Shamir 1979).
///
/// A secret's 256 bits are cut into four limbs of 52 bits and one of 48, each a number below the prime 2⁶¹ − 1 and the
/// constant term of its own polynomial of degree t − 1. Five limbs are the fewest: four would need 64 bits each. Any
/// t − 1 shares fit every secret equally well; limbs share nothing but the points.
package struct SecretShare: Hashable, Sendable {
    package static let limbs = 5
    /// Unit: bytes.
    package static let byteCount = 8 * limbs
    /// Unit: bytes.
    package static let secretBytes = 32

    package private(set) var values: [FieldElement]

    package var bytes: [UInt8] {
        var writer = ByteWriter()
        for element in values { writer.append(element.value) }
        return writer.bytes
    }

    fileprivate init(values: [FieldElement]) { self.values = values }

    /// - Throws: ``MaskingError/malformed(_:)`` for anything but five numbers below the prime.
    package init(_ bytes: [UInt8]) throws(MaskingError) {
        var reader = ByteReader(bytes, message: "a share")
        values = []
        for _ in 0..<Self.limbs {
            guard let element = FieldElement(canonical: try reader.number(UInt64.self)) else {
                throw .malformed("a share holds a number that is not below 2^61 - 1")
            }
            values.append(element)
        }
        try reader.finish()
    }
}

/// Splits secrets among holders and puts them together again.
package enum SecretSharing {
    /// - Parameters:
    ///   - secret: 32 bytes.
    ///   - threshold: Shares that give the secret back.
    ///   - points: Where each holder's share lies: different numbers from 1.
    ///   - random: Of a cryptographic generator; draws 10 · (threshold − 1) numbers.
    /// - Returns: A share for each point.
    package static func split(
        _ secret: [UInt8], threshold: Int, points: [UInt32], using random: inout SecretStream
    ) -> [SecretShare] {
        precondition(secret.count == SecretShare.secretBytes, "a secret of \(secret.count) bytes")
        let polynomials = limbs(of: secret).map { limb in
            [limb] + (1..<threshold).map { _ in coefficient(&random) }
        }
        return points.map { point in SecretShare(values: polynomials.map { evaluate($0, at: point) }) }
    }

    /// - Parameter shares: At least the threshold's number, at different points.
    /// - Returns: The secret, or `nil` if the shares give none of 32 bytes: some are wrong, or of another secret.
    package static func combine(_ shares: [(point: UInt32, share: SecretShare)]) -> [UInt8]? {
        secret(of: limbs(shares).map(\.value))
    }

    /// The constant terms of the polynomials through these shares, whether or not they are limbs of a secret.
    package static func limbs(_ shares: [(point: UInt32, share: SecretShare)]) -> [FieldElement] {
        let weights = weightsAtZero(shares.map(\.point))
        return (0..<SecretShare.limbs).map { limb in
            zip(weights, shares).reduce(FieldElement.zero) { $0 + $1.0 * $1.1.share.values[limb] }
        }
    }

    /// Lagrange's coefficients of the value at 0: Π x_j / (x_j − x_i) over j ≠ i.
    private static func weightsAtZero(_ points: [UInt32]) -> [FieldElement] {
        let points = points.map { FieldElement(folding: UInt64($0)) }
        return points.indices.map { index in
            var (above, below) = (FieldElement.one, FieldElement.one)
            for other in points.indices where other != index {
                above = above * points[other]
                below = below * (points[other] - points[index])
            }
            return above * below.inverse
        }
    }

    /// Horner's rule, constant term first in `polynomial`.
    private static func evaluate(_ polynomial: [FieldElement], at point: UInt32) -> FieldElement {
        let point = FieldElement(folding: UInt64(point))
        return polynomial.reversed().reduce(.zero) { $0 * point + $1 }
    }

    /// 128 random bits modulo the prime: within 2^−66 of uniform, in the same steps always. 2⁶⁴ ≡ 8.
    private static func coefficient(_ random: inout SecretStream) -> FieldElement {
        FieldElement(folding: random.next()) * FieldElement(folding: 8) + FieldElement(folding: random.next())
    }

    private static let limbMask: UInt64 = 1 << 52 - 1

    private static func limbs(of secret: [UInt8]) -> [FieldElement] {
        let words = stride(from: 0, to: 32, by: 8).map { start in
            secret[start..<start + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        return [
            words[0], words[0] >> 52 | words[1] << 12, words[1] >> 40 | words[2] << 24, words[2] >> 28 | words[3] << 36,
            words[3] >> 16,
        ].map { FieldElement(folding: $0 & limbMask) }
    }

    private static func secret(of limbs: [UInt64]) -> [UInt8]? {
        guard limbs.allSatisfy({ $0 <= limbMask }), limbs[4] < 1 << 48 else { return nil }
        var writer = ByteWriter()
        writer.append(limbs[0] | limbs[1] << 52)
        writer.append(limbs[1] >> 12 | limbs[2] << 40)
        writer.append(limbs[2] >> 24 | limbs[3] << 28)
        writer.append(limbs[3] >> 36 | limbs[4] << 16)
        return writer.bytes
    }
}
