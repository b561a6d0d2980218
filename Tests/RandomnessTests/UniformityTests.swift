import Randomness
import Testing

@Suite("Uniform draws")
struct UniformityTests {
    /// Pearson's statistic of observed counts against equal expected ones.
    private func chiSquare(_ counts: [Int]) -> Double {
        let expected = Double(counts.reduce(0, +)) / Double(counts.count)
        return counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    }

    // The 0.05% and 99.95% points of χ² with 255 degrees of freedom; the seeds are fixed, so this never flickers.
    private static let plausible = 185.8...336.6

    @Test("fill 256 bins evenly, for every byte of a word", arguments: 0..<8)
    func bytes(_ byte: Int) {
        var generator = CounterRandom(key: 0x5ea1)
        var counts = [Int](repeating: 0, count: 256)
        for _ in 0..<100_000 { counts[Int(generator.next() >> UInt64(8 * byte) & 255)] += 1 }
        #expect(Self.plausible.contains(chiSquare(counts)))
    }

    @Test("of integers have no modulo bias")
    func integers() {
        var generator = CounterRandom(key: 3)
        var counts = [Int](repeating: 0, count: 256)
        // 256 bins of 3 integers each, from a bound that divides no power of two.
        for _ in 0..<200_000 { counts[generator.index(below: 768) / 3] += 1 }
        #expect(Self.plausible.contains(chiSquare(counts)))
    }

    @Test("of floats stay in their interval and fill it")
    func floats() {
        var generator = CounterRandom(key: 11)
        var singles = [Int](repeating: 0, count: 256)
        var doubles = [Int](repeating: 0, count: 256)
        for _ in 0..<100_000 {
            let single = generator.uniform()
            let double = generator.uniformDouble()
            #expect(single >= 0 && single < 1 && double > 0 && double < 1)
            singles[Int(single * 256)] += 1
            doubles[Int(double * 256)] += 1
        }
        #expect(Self.plausible.contains(chiSquare(singles)))
        #expect(Self.plausible.contains(chiSquare(doubles)))
    }
}
