internal import Glibc

/// A normal distribution as 65,536 equally likely values: 16 random bits pick one.
///
/// The values are the quantiles of the middles of 65,536 equal slices of probability, up to 4.3 standard deviations:
/// far finer than a weight's own rounding in bfloat16, and one table look-up a value.
enum NormalTable {
    /// - Parameter deviation: The standard deviation; the mean is 0.
    static func float32(deviation: Double) -> [Float] {
        let half = positiveQuantiles.map { Float($0 * deviation) }
        return half.reversed().map { -$0 } + half
    }

    /// Rounded to the nearest bfloat16, ties to even.
    static func bfloat16(deviation: Double) -> [UInt16] {
        float32(deviation: deviation).map(bfloat16)
    }

    static func bfloat16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
    }

    /// The upper half of the quantiles, ascending.
    private static var positiveQuantiles: [Double] {
        var quantile = 0.0
        return (0..<32_768).map { slice in
            // The upper tail is concave to the left of its root, so Newton's steps climb to it from the last quantile.
            let tail = 0.5 - (Double(slice) + 0.5) / 65_536
            for _ in 0..<60 {
                let density = exp(-quantile * quantile / 2) / (2 * Double.pi).squareRoot()
                let step = (erfc(quantile / 2.0.squareRoot()) / 2 - tail) / density
                quantile += step
                if abs(step) < 1e-12 { break }
            }
            return quantile
        }
    }
}
