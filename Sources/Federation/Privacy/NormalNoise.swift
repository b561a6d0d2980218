internal import Glibc

/// Normal noise from any generator of random bits.
public enum NormalNoise {
    /// Two independent standard normal numbers (Box and Muller 1958).
    static func pair(using generator: inout some RandomNumberGenerator) -> (Double, Double) {
        // Above 0, where the logarithm is finite.
        let radius = (-2 * log((Double(generator.next() >> 11) + 0.5) * 0x1p-53)).squareRoot()
        let angle = 2 * Double.pi * Double(generator.next() >> 11) * 0x1p-53
        return (radius * cos(angle), radius * sin(angle))
    }

    /// Adds independent noise to every value and puts the results on its ``NoiseGrid``.
    ///
    /// - Parameters:
    ///   - values: `[count]`, changed in place.
    ///   - deviation: The noise's standard deviation, above 0.
    public static func add(
        to values: inout [Double], deviation: Double, using generator: inout some RandomNumberGenerator
    ) {
        precondition(deviation > 0 && deviation.isFinite, "noise of deviation \(deviation)")
        let grid = NoiseGrid(deviation: deviation)
        var index = 0
        while index < values.count {
            let (first, second) = pair(using: &generator)
            values[index] = grid.nearest(to: values[index] + deviation * first)
            if index + 1 < values.count {
                values[index + 1] = grid.nearest(to: values[index + 1] + deviation * second)
            }
            index += 2
        }
    }
}

/// Where noisy numbers lie, the same whatever the numbers are: the lowest bits of a floating-point sum can tell what was
/// added to it (Mironov 2012).
struct NoiseGrid {
    /// A power of two about a millionth of the deviation.
    private let step: Double

    /// - Parameter deviation: The noise's standard deviation, above 0.
    init(deviation: Double) { step = exp2((log2(deviation) - 20).rounded(.down)) }

    func nearest(to value: Double) -> Double { (value / step).rounded() * step }
}
