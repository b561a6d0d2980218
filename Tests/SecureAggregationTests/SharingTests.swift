import Federation
import SecureAggregation
import Testing

@Suite("Secret sharing")
struct SharingTests {
    @Test("numbers modulo 2⁶¹ − 1 compute as Python's do")
    func field() throws {
        for entry in try SecureAggregationFixture.load().field {
            let a = try #require(FieldElement(canonical: entry.a))
            let b = try #require(FieldElement(canonical: entry.b))
            #expect((a + b).value == entry.sum)
            #expect((a - b).value == entry.difference)
            #expect((a * b).value == entry.product)
            #expect(a.inverse.value == entry.inverse)
        }
        #expect(FieldElement(canonical: FieldElement.prime) == nil)
        #expect(FieldElement(folding: .max).value == 7)
        #expect(FieldElement(folding: FieldElement.prime).value == 0)
    }

    @Test("shares that Python made give the secret that it shared")
    func combine() throws {
        for entry in try SecureAggregationFixture.load().shamir {
            let shares = try zip(entry.points, entry.shares).map { (point: $0, share: try SecretShare(bytes($1))) }
            #expect(entry.points.count >= entry.threshold)
            #expect(SecretSharing.combine(shares) == bytes(entry.secret))
            #expect(SecretSharing.combine(Array(shares.suffix(entry.threshold))) == bytes(entry.secret))
            if entry.threshold > 1 {
                #expect(SecretSharing.combine(Array(shares.prefix(entry.threshold - 1))) != bytes(entry.secret))
            }
        }
    }

    private func shared(_ secret: [UInt8], threshold: Int, holders: Int) -> [(point: UInt32, share: SecretShare)] {
        var random = SecretStream(key: [UInt8](repeating: 4, count: 32))
        let points = (1...UInt32(holders)).map { 3 * $0 }
        let shares = SecretSharing.split(secret, threshold: threshold, points: points, using: &random)
        return zip(points, shares).map { (point: $0, share: $1) }
    }

    @Test("any holders of the threshold's number give the secret back", arguments: [1, 2, 7, 30])
    func split(_ threshold: Int) throws {
        let secret = (0..<32).map { UInt8(truncatingIfNeeded: 255 - 37 * $0) }
        let shares = shared(secret, threshold: threshold, holders: 41)
        for start in 0...(41 - threshold) {
            #expect(SecretSharing.combine(Array(shares[start..<start + threshold])) == secret)
        }
        #expect(SecretSharing.combine(shares.reversed()) == secret)
        for (_, share) in shares { #expect(try SecretShare(share.bytes) == share) }
    }

    /// The value at `point` of the polynomial through `known`.
    private func value(
        at point: FieldElement, through known: [(FieldElement, FieldElement)]
    ) -> FieldElement {
        known.enumerated().reduce(.zero) { sum, entry in
            let (index, (x, y)) = entry
            let weight = known.enumerated().filter { $0.offset != index }.reduce(FieldElement.one) {
                $0 * (point - $1.element.0) * (x - $1.element.0).inverse
            }
            return sum + y * weight
        }
    }

    @Test("with one share fewer every secret is as possible: a last share exists that gives it", arguments: [2, 5, 24])
    func nothing(_ threshold: Int) throws {
        let secret = [UInt8](repeating: 0xA7, count: 32)
        let known = Array(shared(secret, threshold: threshold, holders: 30).prefix(threshold - 1))
        let last: UInt32 = 1_000
        let candidates: [[UInt8]] = [
            secret, [UInt8](repeating: 0, count: 32), [UInt8](repeating: 255, count: 32), (0..<32).map { UInt8($0) },
            (0..<32).map { UInt8(7 * $0) },
        ]
        for candidate in candidates {
            // The candidate's limbs are its own shares in a sharing with threshold 1.
            var none = SecretStream(key: [UInt8](repeating: 0, count: 32))
            let limbs = SecretSharing.split(candidate, threshold: 1, points: [1], using: &none)[0].values
            let forged = (0..<SecretShare.limbs).flatMap { limb in
                let through =
                    [(FieldElement.zero, limbs[limb])]
                    + known.map { (FieldElement(folding: UInt64($0.point)), $0.share.values[limb]) }
                let number = value(at: FieldElement(folding: UInt64(last)), through: through).value
                return (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
            }
            #expect(SecretSharing.combine(known + [(point: last, share: try SecretShare(forged))]) == candidate)
        }
    }

    @Test("a secret that is shared twice has different shares, which do not mix")
    func fresh() throws {
        var random = SecretStream(key: [UInt8](repeating: 8, count: 32))
        let secret = [UInt8](repeating: 1, count: 32)
        let first = SecretSharing.split(secret, threshold: 2, points: [1, 2], using: &random)
        let second = SecretSharing.split(secret, threshold: 2, points: [1, 2], using: &random)
        #expect(first != second)
        #expect(SecretSharing.combine([(1, first[0]), (2, second[1])]) != secret)
    }

    @Test("numbers that are not below the prime are no share")
    func malformed() {
        #expect(throws: MaskingError.self) { try SecretShare([UInt8](repeating: 255, count: 40)) }
        #expect(throws: MaskingError.self) { try SecretShare([UInt8](repeating: 0, count: 39)) }
    }
}
