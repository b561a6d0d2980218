internal import CKernels

/// Rounds normal values to multiples of a step; the step is such that, entropy-coded, they take `bits` bits each with
/// the 32-bit factor of 4,096 values counted in.
///
/// At every rate, a uniform quantiser with an entropy code comes within a quarter of a bit of the best there is (Gish and
/// Pierce 1968); 2^R fixed levels do not.
struct UniformQuantiser: NormalQuantiser {
    let model: RANSModel
    /// Levels are −limit...limit.
    private let limit: Int32
    /// Symbol = level + offset.
    private let offset: Int32
    private let step: Float

    var largestLevel: Float { Float(offset) }

    /// - Parameter bits: 1...8
    init(bits: Int) {
        let table = NormalFrequencies.tables[min(bits, NormalFrequencies.tables.count) - 1]
        // Above 5 bits: the cells of 5 bits, each halved so often, with halves taken as equally likely.
        let rawBits = max(0, bits - NormalFrequencies.tables.count)
        model = RANSModel(frequencies: table.frequencies.dropFirst().reversed() + table.frequencies, rawBits: rawBits)
        step = table.step / Float(1 << rawBits)
        let cells = Int32(table.frequencies.count - 1)
        offset = cells << Int32(rawBits) + (rawBits == 0 ? 0 : 1 << Int32(rawBits - 1))
        limit = offset - (rawBits == 0 ? 0 : 1)
    }

    func quantise(_ values: [Float], count: Int, into symbols: inout [UInt16]) -> Double {
        var gain: Float = 1
        while true {
            let result = shoal_quantise_uniform(values, gain / step, limit, offset, &symbols, count)
            // Few distinct magnitudes, all in the zero cell or just outside it, would come back as nothing or as noise.
            // Any gain gives an unbiased result: take one that resolves them, at a cost in bits. With 8, the step lies
            // below the largest value, which a mean square of 1 puts at 1 or more.
            let isResolved = result.squares * Double(count) <= 2 * result.product * result.product
            if result.product > 0, isResolved || gain >= 8 { return result.product }
            precondition(gain < 8, "values of another mean square than 1")
            gain *= 2
        }
    }

    func levels(of symbols: [UInt16], count: Int, into levels: inout [Float]) {
        shoal_dequantise_uniform(symbols, offset, &levels, count)
    }
}
