/// Static symbol frequencies for range asymmetric numeral systems (rANS; Duda 2013, arXiv:1311.2540), with the tables
/// that coding needs.
///
/// A symbol of frequency `f` out of 2¹² costs `log₂(2¹² / f)` bits, fractions included: at one bit a coordinate a
/// byte-wise Huffman code would spend a quarter more. A symbol's lowest `rawBits` bits are taken as uniform and cost a
/// bit each, so that large alphabets keep a small table.
package struct RANSModel: Sendable {
    static let tableBits = 12
    package static let total = 1 << tableBits

    /// Of symbols without their raw bits, `[symbols]`; they sum to ``total``.
    let frequencies: [Int]
    let rawBits: Int
    /// For encoding: frequency | start << 12 | shift << 24, where 2^shift is the first power of two not below the
    /// frequency. `[symbols]`
    let entries: [UInt32]
    /// ⌈2^(31 + shift) / frequency⌉: multiplying by it divides every state exactly. `[symbols]`
    let reciprocals: [UInt32]
    /// For decoding: frequency | place in the symbol's range << 12 | symbol << 24. `[total]`
    let slots: [UInt32]

    /// - Precondition: At most 256 frequencies, below ``total`` and not negative, that sum to ``total``; a symbol of
    ///   frequency 0 cannot be coded. At most 3 raw bits.
    package init(frequencies: [Int], rawBits: Int = 0) {
        precondition(frequencies.count <= 256 && (0...3).contains(rawBits), "\(frequencies.count) symbols")
        precondition(frequencies.allSatisfy { (0..<Self.total).contains($0) }, "a frequency out of range")
        precondition(frequencies.reduce(0, +) == Self.total, "frequencies sum to \(frequencies.reduce(0, +))")
        self.frequencies = frequencies
        self.rawBits = rawBits
        var entries: [UInt32] = []
        var reciprocals: [UInt32] = []
        var slots: [UInt32] = []
        for (symbol, frequency) in frequencies.enumerated() {
            let shift = frequency <= 1 ? 0 : Int.bitWidth - (frequency - 1).leadingZeroBitCount
            entries.append(UInt32(frequency | (slots.count & (Self.total - 1)) << 12 | shift << 24))
            reciprocals.append(
                frequency == 0
                    ? 0 : UInt32((UInt64(1) << UInt64(31 + shift) + UInt64(frequency) - 1) / UInt64(frequency)))
            for place in 0..<frequency { slots.append(UInt32(frequency | place << 12 | symbol << 24)) }
        }
        self.entries = entries
        self.reciprocals = reciprocals
        self.slots = slots
    }
}
