import CKernels
import Federation
import Randomness
import Tensor
import Testing

@Suite("The random rotation")
struct RandomRotationTests {
    /// Entry (i, j) is −1 where i and j share an odd number of ones.
    @Test("is Hadamard's matrix", arguments: [1, 2, 4, 8, 16, 32, 64, 128, 512])
    func matrix(_ size: Int) {
        // Whole numbers, so that every order of additions gives the same sum.
        var random = CounterRandom(key: UInt64(size))
        let values = (0..<size).map { _ in Float(random.index(below: 2_001) - 1_000) }
        let expected = (0..<size).map { row in
            (0..<size).reduce(Float(0)) {
                $0 + ((row & $1).nonzeroBitCount.isMultiple(of: 2) ? values[$1] : -values[$1])
            }
        }
        for level in KernelLevel.supported {
            var transformed = values
            level.whileInUse { shoal_hadamard(&transformed, size) }
            #expect(transformed == expected, "\(level)")
        }
    }

    @Test(
        "chunks are powers of two that cover the vector",
        arguments: [0, 1, 63, 64, 65, 200, 4_095, 4_096, 4_097, 50_000])
    func chunks(_ count: Int) {
        let chunks = RandomRotation(count: count, seed: 0).chunks
        #expect(chunks.reduce(0) { $0 + $1.count } == count)
        #expect(
            chunks.allSatisfy { [64, 128, 256, 512, 1_024, 2_048, 4_096].contains($0.size) && $0.count <= $0.size })
        #expect(zip(chunks, chunks.dropFirst()).allSatisfy { $0.start + $0.count == $1.start })
        #expect(chunks.count == RandomRotation.chunkCount(of: count))
        #expect(chunks.reduce(0) { $0 + $1.size } == RandomRotation.paddedCount(of: count))
        #expect(chunks.reduce(0) { $0 + $1.size } < count + 64)
    }

    @Test("keeps lengths and is undone by its inverse", arguments: [1, 64, 100, 4_096, 5_000])
    func inverse(_ count: Int) throws {
        let values = normalValues(count, key: 3)
        var rotation = RandomRotation(count: count, seed: 4)
        var back = [Float](repeating: 0, count: count)
        var rotated = [Float](repeating: 0, count: 4_096)
        for (index, chunk) in rotation.chunks.enumerated() {
            rotation.rotate(values, chunk: index, factor: 0.5, into: &rotated)
            let length = rotated[..<chunk.size].reduce(0) { $0 + Double($1) * Double($1) }
            let before = values[chunk.start..<(chunk.start + chunk.count)].reduce(0) { $0 + Double($1) * Double($1) }
            #expect(abs(length - 0.25 * Double(chunk.size) * before) < 1e-4 * length)
            try back.withUnsafeMutableBufferPointer { back in
                let target = try #require(back.baseAddress)
                rotation.restore(&rotated, chunk: index, factor: 2 / Float(chunk.size), into: target)
            }
        }
        #expect(normalisedError(back, values) < 1e-10)
    }

    @Test("one large value spreads evenly, with signs that the seed and the chunk choose")
    func signs() {
        var values = [Float](repeating: 0, count: 8_192)
        values[5] = 1
        values[4_096 + 5] = 1
        var seen: Set<[Float]> = []
        for seed in [1, 2, 1 << 40] as [UInt64] {
            var rotation = RandomRotation(count: values.count, seed: seed)
            var rotated = [Float](repeating: 0, count: 4_096)
            rotation.rotate(values, chunk: 0, factor: 1, into: &rotated)
            #expect(rotated.allSatisfy { abs($0) == 1 })
            let noise = normalValues(8_192, key: 1)
            rotation.rotate(noise, chunk: 0, factor: 1, into: &rotated)
            seen.insert(rotated)
            // The same values in the other chunk meet other signs.
            rotation.rotate(Array(noise[..<4_096] + noise[..<4_096]), chunk: 1, factor: 1, into: &rotated)
            seen.insert(rotated)
        }
        #expect(seen.count == 6)
    }
}
