/// A number modulo the prime 2⁶¹ − 1, in its one form below the prime.
///
/// A Mersenne prime, so a product of two is reduced by shifts and additions; and every operation takes the same steps
/// whatever the numbers, because the numbers are secrets.
package struct FieldElement: Hashable, Sendable {
    package static let prime: UInt64 = 1 << 61 - 1
    package static let zero = FieldElement(folding: 0)
    package static let one = FieldElement(folding: 1)

    package let value: UInt64

    /// Any 64-bit number, modulo the prime.
    package init(folding number: UInt64) {
        let once = (number & Self.prime) + (number >> 61)
        // `once` is at most the prime + 7. Below the prime the difference wraps and its top bit is set.
        let difference = once &- Self.prime
        let isBelow = 0 &- (difference >> 63)
        value = (once & isBelow) | (difference & ~isBelow)
    }

    /// What ``value`` held; `nil` for anything else.
    package init?(canonical value: UInt64) {
        guard value < Self.prime else { return nil }
        self.value = value
    }

    package static func + (left: FieldElement, right: FieldElement) -> FieldElement {
        FieldElement(folding: left.value + right.value)
    }

    package static func - (left: FieldElement, right: FieldElement) -> FieldElement {
        FieldElement(folding: left.value + (prime - right.value))
    }

    package static func * (left: FieldElement, right: FieldElement) -> FieldElement {
        let product = left.value.multipliedFullWidth(by: right.value)
        // 2⁶¹ ≡ 1, so the product's digits in base 2⁶¹ are added; both are below 2⁶¹.
        return FieldElement(folding: (product.low & prime) + (product.high << 3 | product.low >> 61))
    }

    /// The multiplicative inverse, this to the power of the prime − 2 (Fermat). 0 has none and gives 0.
    package var inverse: FieldElement {
        // 2⁶¹ − 3 is 59 ones, a zero and a one, from the top.
        var result = FieldElement.one
        for bit in stride(from: 60, through: 0, by: -1) {
            result = result * result
            if (Self.prime - 2) >> UInt64(bit) & 1 == 1 { result = result * self }
        }
        return result
    }
}
