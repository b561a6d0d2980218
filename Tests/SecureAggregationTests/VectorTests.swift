import Federation
import Randomness
import SecureAggregation
import Testing

@Suite("Masked vectors")
struct VectorTests {
    @Test("words are packed without gaps, as Python's numbers are")
    func packed() throws {
        for entry in try SecureAggregationFixture.load().packed {
            #expect(PackedWords.pack(entry.words, bits: entry.bits) == bytes(entry.bytes), "\(entry.bits) bits")
            var sum = [UInt32](repeating: 5, count: entry.words.count)
            PackedWords.add(bytes(entry.bytes), bits: entry.bits, to: &sum)
            #expect(sum == entry.words.map { $0 &+ 5 })
        }
        // Bits above the width do not reach a neighbour.
        #expect(PackedWords.pack([.max, 0, .max], bits: 3) == [0b1100_0111, 0b1])
    }

    @Test(
        "a mask that is added and subtracted leaves the vector, at any length",
        arguments: [1, 15, 16, 17, 16_384, 40_001])
    func stream(_ count: Int) {
        let key = [UInt8](repeating: 6, count: 32)
        let words = (0..<count).map { UInt32(truncatingIfNeeded: $0 &* 2_654_435_761) }
        var masked = words
        MaskStream.apply(key, .add, to: &masked)
        #expect(count < 16 || zip(masked, words).count { $0 == $1 } < 3)
        var mask = [UInt32](repeating: 0, count: count)
        MaskStream.apply(key, .add, to: &mask)
        #expect(masked == zip(words, mask).map { $0 &+ $1 })
        // A shorter vector gets the beginning of the same stream, and no part of it comes twice.
        var beginning = [UInt32](repeating: 0, count: count / 2 + 1)
        MaskStream.apply(key, .add, to: &beginning)
        #expect(beginning.elementsEqual(mask.prefix(beginning.count)))
        let words64 = Set(stride(from: 0, to: count - 1, by: 2).map { UInt64(mask[$0]) << 32 | UInt64(mask[$0 + 1]) })
        #expect(words64.count == count / 2)
        MaskStream.apply(key, .subtract, to: &masked)
        #expect(masked == words)
    }

    struct Extreme: Sendable, CustomTestStringConvertible {
        let levels: Int
        let weightLimit: Int
        let cohort: Int
        /// log₂ of the modulus, worked out by hand.
        let bits: Int

        var testDescription: String { "\(cohort) workers, \(levels) levels, weights to \(weightLimit)" }
    }

    @Test(
        "sums at both ends fit into the modulus, and into no smaller one",
        arguments: [
            // 2·1·2 = 4 < 2³
            Extreme(levels: 1, weightLimit: 1, cohort: 2, bits: 3),
            // 2·127·1000 = 254,000 < 2¹⁸
            Extreme(levels: 127, weightLimit: 100, cohort: 1000, bits: 18),
            // 2·128·1024 = 2¹⁸ needs one more
            Extreme(levels: 128, weightLimit: 256, cohort: 1024, bits: 19),
            // Weights: 1023·1025 = 1,048,575 < 2²⁰
            Extreme(levels: 1, weightLimit: 1023, cohort: 1025, bits: 20),
            // 2·2^20·1023 < 2³¹
            Extreme(levels: 1 << 20, weightLimit: 7, cohort: 1023, bits: 31),
            // 2·(2³⁰ − 1)·2 < 2³²
            Extreme(levels: 1 << 30 - 1, weightLimit: 3, cohort: 2, bits: 32),
        ])
    func extremes(_ given: Extreme) throws {
        let quantisation = WeightedQuantisation(clip: 0.7, levels: given.levels, weightLimit: given.weightLimit)
        #expect(try quantisation.bits(cohort: given.cohort) == given.bits)
        var random = CounterRandom(key: 3)
        let words = try quantisation.words(
            [0.7, -0.7, 100, -.greatestFiniteMagnitude, 0], weight: given.weightLimit, rounding: &random)
        let packed = PackedWords.pack(words, bits: given.bits)
        var sum = [UInt32](repeating: 0, count: words.count)
        for _ in 0..<given.cohort { PackedWords.add(packed, bits: given.bits, to: &sum) }
        let result = quantisation.sum(of: sum, bits: given.bits)
        let most = given.cohort * given.levels
        #expect(result.integers.map(Int.init) == [most, -most, most, -most, 0])
        #expect(result.weight == given.cohort * given.weightLimit)
        for (value, expected) in zip(try result.mean(), [0.7, -0.7, 0.7, -0.7, 0] as [Float]) {
            #expect(abs(value - expected) < 1e-6)
        }
        // One bit less does not hold both ends.
        let narrow = quantisation.sum(of: sum, bits: given.bits - 1)
        #expect(narrow.integers.map(Int.init) != [most, -most, most, -most, 0] || narrow.weight != result.weight)
    }

    @Test("more than 32 bits are refused")
    func tooManyBits() {
        let quantisation = WeightedQuantisation(clip: 1, levels: 1 << 30, weightLimit: 1)
        #expect(throws: MaskingError.tooManyBits(cohort: 2, bits: 33)) { try quantisation.bits(cohort: 2) }
    }

    @Test("rounding up or down is right on average, and in the weighted mean")
    func unbiased() throws {
        let quantisation = WeightedQuantisation(clip: 1, levels: 10, weightLimit: 4)
        var random = CounterRandom(key: 11)
        let values: [Float] = [0.123, -0.123, 0.999, 0.0001, -1]
        for weight in [1, 3, 4] {
            var sums = [Double](repeating: 0, count: values.count)
            let draws = 20_000
            for _ in 0..<draws {
                let words = try quantisation.words(values, weight: weight, rounding: &random)
                for index in values.indices { sums[index] += Double(Int32(bitPattern: words[index])) }
                #expect(words[values.count] == UInt32(weight))
            }
            for (sum, value) in zip(sums, values) {
                // One draw deviates by at most half a step: 5 standard errors are 0.018.
                #expect(abs(sum / Double(draws) - Double(value) * Double(weight) * 2.5) < 0.018)
            }
        }
    }

    @Test("what is no number, or a weight beyond the agreed one, is refused")
    func refused() {
        let quantisation = WeightedQuantisation(clip: 1, levels: 10, weightLimit: 4)
        var random = CounterRandom(key: 1)
        for value in [Float.nan, .infinity, -.infinity] {
            #expect(throws: MaskingError.notFinite(index: 1)) {
                try quantisation.words([0, value], weight: 1, rounding: &random)
            }
        }
        for weight in [-1, 5] {
            #expect(throws: MaskingError.weightOutOfRange(weight: weight, limit: 4)) {
                try quantisation.words([0], weight: weight, rounding: &random)
            }
        }
        #expect(throws: MaskingError.noWeight) {
            try quantisation.sum(of: [0, 0], bits: 8).mean()
        }
    }
}
