internal import Glibc

/// Levels fitted to the magnitudes of some values, so that the mean squared error is small: Lloyd's iteration (1982) over
/// a histogram.
struct MagnitudeLevels {
    /// `[count]`, ascending where they are used.
    let magnitudes: [Float]
    private let smallest: UInt32
    private let shift: UInt32
    /// The level of each bin.
    private let levelOfBin: [Int]
    private static let binBits = 10

    /// - Parameters:
    ///   - values: At least one, none of them zero.
    ///   - count: Levels: 1...128.
    ///   - smallestBits: The smallest magnitude's float32 bits.
    init(of values: [Float], count: Int, smallestBits: UInt32) {
        smallest = smallestBits
        // Bins of equal width in the bits of a float32 grow with the magnitude, as the tail thins out.
        let largest = values.reduce(smallestBits) { max($0, $1.magnitude.bitPattern) }
        let width = UInt32.bitWidth - (largest - smallestBits).leadingZeroBitCount
        shift = UInt32(max(0, width - Self.binBits))
        var counts = [Double](repeating: 0, count: 1 << Self.binBits)
        var sums = counts
        for value in values {
            let bin = Int((value.magnitude.bitPattern - smallestBits) >> shift)
            counts[bin] += 1
            sums[bin] += Double(value.magnitude)
        }
        let bins = counts.indices.filter { counts[$0] > 0 }
        let means = bins.map { sums[$0] / counts[$0] }
        let weights = bins.map { counts[$0] }
        let (levels, chosen) = Self.fit(means, weights, count)
        magnitudes = levels.map { Float($0) }
        var levelOfBin = [Int](repeating: 0, count: counts.count)
        for (bin, level) in zip(bins, chosen) { levelOfBin[bin] = level }
        self.levelOfBin = levelOfBin
    }

    /// The level nearest to a value that the levels were fitted to.
    func index(of value: Float) -> Int {
        levelOfBin[Int((value.magnitude.bitPattern - smallest) >> shift)]
    }

    /// - Parameters:
    ///   - points: Ascending.
    ///   - weights: One for each point.
    /// - Returns: The levels, and the level of each point.
    private static func fit(_ points: [Double], _ weights: [Double], _ count: Int) -> ([Double], [Int]) {
        // Start near the end: the best levels of a fine quantiser are as dense as the cube root of the values' density
        // (Panter and Dite 1951), and a bin is about as wide as its values are large.
        let spread = zip(points, weights).map { cbrt($1 * $0 * $0) }
        let total = spread.reduce(0, +)
        var level = [Int](repeating: 0, count: points.count)
        var before = 0.0
        for index in points.indices {
            level[index] = min(count - 1, Int((before + spread[index] / 2) / total * Double(count)))
            before += spread[index]
        }
        var levels = [Double](repeating: points.last ?? 0, count: count)
        for _ in 0..<24 {
            var sums = [Double](repeating: 0, count: count)
            var shares = sums
            for index in points.indices {
                sums[level[index]] += weights[index] * points[index]
                shares[level[index]] += weights[index]
            }
            for index in 0..<count where shares[index] > 0 { levels[index] = sums[index] / shares[index] }
            // Both are ascending, so the nearest level only moves up. Levels that nothing uses stand aside.
            let used = (0..<count).filter { shares[$0] > 0 }
            var place = 0
            for index in points.indices {
                while place + 1 < used.count,
                    abs(levels[used[place + 1]] - points[index]) < abs(levels[used[place]] - points[index])
                {
                    place += 1
                }
                level[index] = used[place]
            }
        }
        return (levels, level)
    }
}
