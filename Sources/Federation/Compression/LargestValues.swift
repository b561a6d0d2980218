internal import CKernels

/// The largest values of an update by magnitude: a fixed share of them, the first ones first where magnitudes are equal.
struct LargestValues {
    /// 1 for a positive kept value, 2 for a negative one, 0 for all others; whole groups of a ``RANSEncoder``.
    private(set) var symbols: [UInt16]
    /// How many are kept. Zeros never are.
    let count: Int
    /// Of the kept ones.
    let magnitudeSum: Double
    /// Of the kept ones; float32 bits without the sign, which order as magnitudes do.
    let smallestMagnitudeBits: UInt32

    /// - Parameter density: The share that is kept, above 0 and at most 1; at least one value is.
    init(of update: [Float], density: Double) {
        symbols = [UInt16](repeating: 0, count: RANSEncoder.padded(update.count))
        guard !update.isEmpty else {
            (count, magnitudeSum, smallestMagnitudeBits) = (0, 0, 0)
            return
        }
        let wanted = Self.wanted(of: update.count, density: density)
        var (above, equal) = (0, 0)
        let threshold = shoal_magnitude_threshold(update, update.count, wanted, &above, &equal)
        var sum = shoal_mark_above(update, threshold, &symbols, update.count)
        var left = threshold == 0 ? 0 : wanted - above
        count = above + left
        sum += Double(left) * Double(Float(bitPattern: threshold))
        magnitudeSum = sum
        smallestMagnitudeBits = threshold
        var index = 0
        while left > 0 {
            if update[index].magnitude.bitPattern == threshold {
                symbols[index] = update[index] < 0 ? 2 : 1
                left -= 1
            }
            index += 1
        }
    }

    /// How many of `count` values are kept at most.
    static func wanted(of count: Int, density: Double) -> Int {
        min(count, max(1, Int((density * Double(count)).rounded())))
    }
}
