import Randomness
import Testing

@Suite("Random streams")
struct StreamKeyTests {
    private static let base = StreamKey(seed: 1, round: 1, attempt: 1, worker: "a", purpose: .batches)

    /// One field changed at a time, by the least amount.
    private static var neighbours: [StreamKey] {
        var keys = [base]
        keys.append(StreamKey(seed: 2, round: 1, attempt: 1, worker: "a", purpose: .batches))
        keys.append(StreamKey(seed: 1, round: 2, attempt: 1, worker: "a", purpose: .batches))
        keys.append(StreamKey(seed: 1, round: 1, attempt: 2, worker: "a", purpose: .batches))
        keys.append(StreamKey(seed: 1, round: 1, attempt: 1, worker: "b", purpose: .batches))
        keys.append(StreamKey(seed: 1, round: 1, attempt: 1, worker: "ab", purpose: .batches))
        keys.append(StreamKey(seed: 1, round: 1, attempt: 1, worker: "", purpose: .batches))
        keys.append(StreamKey(seed: 1, round: 1, attempt: 1, worker: "a", purpose: .dropout))
        return keys
    }

    private func draws(_ count: Int, from key: StreamKey) -> [UInt64] {
        var generator = key.generator()
        return (0..<count).map { _ in generator.next() }
    }

    // Computed by a separate implementation of FNV-1a, SplitMix64's mixer and Philox in Python: a state directory
    // written by one release must replay under the next.
    @Test("stay the same from release to release")
    func stability() {
        #expect(
            draws(3, from: StreamKey(seed: 0, purpose: .selection)) == [
                0x5397_53dc_69a0_7e23, 0x96b1_6650_205b_abbc, 0x6951_1a86_2d55_5d46,
            ])
        let key = StreamKey(seed: 7, round: 12, attempt: 1, worker: "clinic-3", purpose: .batches)
        #expect(draws(3, from: key) == [0x00dd_39a9_f6ff_0aa5, 0xe14a_2773_edcb_8cd6, 0x564d_8320_7b52_9ba0])
    }

    @Test("repeat from the same key")
    func repeatable() {
        #expect(draws(100, from: Self.base) == draws(100, from: Self.base))
    }

    @Test("share no number when any field differs")
    func distinct() {
        let all = Self.neighbours.flatMap { draws(1_000, from: $0) }
        #expect(Set(all).count == all.count)
    }

    @Test("are uncorrelated when any field differs")
    func uncorrelated() {
        let count = 20_000
        let streams = Self.neighbours.map { key in
            var generator = key.generator()
            return (0..<count).map { _ in generator.uniformDouble() - 0.5 }
        }
        for first in streams.indices {
            for second in streams.indices where second > first {
                let covariance = zip(streams[first], streams[second]).reduce(0) { $0 + $1.0 * $1.1 } / Double(count)
                // A uniform variable's variance is 1/12; the correlation's standard deviation is 1/√count.
                #expect(abs(12 * covariance) < 4 / Double(count).squareRoot(), "streams \(first) and \(second)")
            }
        }
    }
}
