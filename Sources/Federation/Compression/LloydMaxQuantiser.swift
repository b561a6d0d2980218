internal import CKernels
internal import Glibc

/// The 2^R levels with the least mean squared error for normal values (Max 1960; Lloyd 1982), R bits each.
struct LloydMaxQuantiser: NormalQuantiser {
    let model: RANSModel
    private let bits: Int
    /// Ascending; `[2^bits]`
    let levels: [Float]
    /// Midway between neighbouring levels; `[2^bits − 1]`
    private let thresholds: [Float]

    var largestLevel: Float { levels[levels.count - 1] }

    /// - Parameter bits: 1...8
    init(bits: Int) {
        self.bits = bits
        levels = Self.levels(count: 1 << bits).map { Float($0) }
        thresholds = zip(levels, levels.dropFirst()).map { ($0 + $1) / 2 }
        // With equal frequencies the entropy coder packs bits.
        model = RANSModel(frequencies: [Int](repeating: RANSModel.total >> bits, count: 1 << bits))
    }

    func quantise(_ values: [Float], count: Int, into symbols: inout [UInt16]) -> Double {
        shoal_quantise_levels(values, thresholds, levels, UInt32(bits), &symbols, count).product
    }

    func levels(of symbols: [UInt16], count: Int, into values: inout [Float]) {
        shoal_dequantise_levels(symbols, levels, &values, count)
    }

    /// Lloyd's iteration: each level the mean of its cell, each boundary midway between levels. It starts at the
    /// quantiles of a normal distribution of variance 3, where the best levels of a fine quantiser lie (Panter and Dite
    /// 1951), so that a few rounds suffice.
    static func levels(count: Int) -> [Double] {
        var levels = (0..<count).map { 3.0.squareRoot() * quantile((Double($0) + 0.5) / Double(count)) }
        for _ in 0..<400 {
            let edges = [-Double.infinity] + zip(levels, levels.dropFirst()).map { ($0 + $1) / 2 } + [.infinity]
            for index in 0..<count / 2 {
                let (low, high) = (edges[index], edges[index + 1])
                let mean = (density(low) - density(high)) / (probability(high) - probability(low))
                levels[index] = mean
                levels[count - 1 - index] = -mean
            }
        }
        return levels
    }

    private static func density(_ x: Double) -> Double { exp(-x * x / 2) / (2 * Double.pi).squareRoot() }

    private static func probability(_ x: Double) -> Double { erfc(-x / 2.0.squareRoot()) / 2 }

    /// By bisection.
    private static func quantile(_ p: Double) -> Double {
        var (low, high) = (-10.0, 10.0)
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if probability(middle) < p { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}
