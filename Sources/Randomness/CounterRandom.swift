/// A counter-based generator: the n-th number depends on its key and n alone, never on what was drawn elsewhere.
///
/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). Two streams with different
/// keys are independent, so each use of randomness in a run derives its own stream from ``StreamKey`` and a round
/// replays bit for bit whatever the order of events around it. Not for secrets: keys and noise that protect anybody
/// come from a cryptographic generator.
public struct CounterRandom: RandomNumberGenerator, Sendable {
    private let key: (UInt32, UInt32)
    private var block: UInt64 = 0
    private var buffered: (UInt64, UInt64) = (0, 0)
    private var bufferedCount = 0

    /// - Parameter key: All 64 bits select the stream.
    public init(key: UInt64) {
        self.key = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
    }

    public mutating func next() -> UInt64 {
        if bufferedCount == 0 {
            let words = Self.philox(counter: (UInt32(truncatingIfNeeded: block), UInt32(block >> 32), 0, 0), key: key)
            block += 1
            buffered = (UInt64(words.1) << 32 | UInt64(words.0), UInt64(words.3) << 32 | UInt64(words.2))
            bufferedCount = 2
        }
        bufferedCount -= 1
        return bufferedCount == 1 ? buffered.0 : buffered.1
    }

    /// One Philox4x32-10 block: four words from a 128-bit counter and a 64-bit key.
    package static func philox(
        counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)
    ) -> (UInt32, UInt32, UInt32, UInt32) {
        var counter = counter
        var key = key
        for _ in 0..<10 {
            let first = UInt64(0xD251_1F53) * UInt64(counter.0)
            let second = UInt64(0xCD9E_8D57) * UInt64(counter.2)
            counter = (
                UInt32(truncatingIfNeeded: second >> 32) ^ counter.1 ^ key.0, UInt32(truncatingIfNeeded: second),
                UInt32(truncatingIfNeeded: first >> 32) ^ counter.3 ^ key.1, UInt32(truncatingIfNeeded: first)
            )
            key = (key.0 &+ 0x9E37_79B9, key.1 &+ 0xBB67_AE85)
        }
        return counter
    }
}

extension CounterRandom {
    /// A uniform number in `[0, 1)` with 24 random bits.
    public mutating func uniform() -> Float {
        Float(next() >> 40) * 0x1p-24
    }

    /// A uniform number in `(0, 1)` with 53 random bits; never 0, so that its logarithm is finite.
    public mutating func uniformDouble() -> Double {
        (Double(next() >> 11) + 0.5) * 0x1p-53
    }

    /// A uniform integer in `0..<bound`, without modulo bias. `bound` must be positive.
    public mutating func index(below bound: Int) -> Int {
        precondition(bound > 0, "bound \(bound)")
        return Int.random(in: 0..<bound, using: &self)
    }
}
