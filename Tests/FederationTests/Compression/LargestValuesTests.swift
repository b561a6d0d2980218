import CKernels
import Federation
import Randomness
import Tensor
import Testing

@Suite("Choosing the largest values")
struct LargestValuesTests {
    @Test("the threshold is the k-th of the sorted magnitudes", arguments: [1, 2, 17, 1_000, 30_000])
    func threshold(_ count: Int) {
        var random = CounterRandom(key: UInt64(count))
        let makes: [[Float]] = [
            normalValues(count, key: 1),
            (0..<count).map { _ in Float(random.index(below: 5)) - 2 },
            (0..<count).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next()) & 0xBF7F_FFFF) },
        ]
        for values in makes {
            let sorted = values.map(\.magnitude).sorted(by: >)
            for rank in [1, count / 10, count / 2, count] where rank >= 1 {
                var (above, equal) = (0, 0)
                let bits = shoal_magnitude_threshold(values, count, rank, &above, &equal)
                #expect(bits == sorted[rank - 1].bitPattern)
                #expect(above == sorted.count { $0 > sorted[rank - 1] })
                #expect(equal == sorted.count { $0 == sorted[rank - 1] })
            }
        }
    }

    @Test("ternary keeps the asked share at their mean magnitude, the first of equal ones")
    func ternary() throws {
        let codec = try Codecs.make(try #require(CodecName("ternary:density=0.5")))
        let decoded = try codec.decode(codec.encode([1, -3, 0.5, 2, 1, 1, -1, 0], seed: 0), count: 8, seed: 0)
        #expect(decoded == [1.75, -1.75, 0, 1.75, 1.75, 0, 0, 0])
        #expect(!codec.isUnbiased)
    }

    @Test("topk keeps exactly what its levels can tell apart")
    func topk() throws {
        let codec = try Codecs.make(try #require(CodecName("topk:density=0.5,bits=2")))
        let update: [Float] = [4, -0.125, 0, -8, 4, 0.25, -4, 0]
        let decoded = try codec.decode(codec.encode(update, seed: 0), count: 8, seed: 0)
        #expect(decoded == [4, 0, 0, -8, 4, 0, -4, 0])
        #expect(!codec.isUnbiased)
    }
}
