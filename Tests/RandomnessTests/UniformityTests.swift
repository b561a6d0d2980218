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

    @Test("Normal numbers have the moments and the tail of the normal distribution")
    func normal() {
        var random = CounterRandom(key: 12)
        let values = (0..<100_000).map { _ in Double(random.normal()) }
        let moments = (1...4).map { power in
            values.reduce(0) { $0 + raised($1, power) } / 100_000
        }
        // Within five standard errors of 0, 1, 0 and 3.
        for (moment, (expected, error)) in zip(moments, [(0.0, 0.0032), (1, 0.0045), (0, 0.0122), (3, 0.031)]) {
            #expect(abs(moment - expected) < 5 * error)
        }
        let beyond = values.count { abs($0) > 1.959_964 }
        #expect(abs(beyond - 5_000) < 345)
    }

    private func raised(_ value: Double, _ power: Int) -> Double {
        (0..<power).reduce(1) { product, _ in product * value }
    }
}
