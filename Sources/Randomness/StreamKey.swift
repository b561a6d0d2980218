/// Names one use of randomness in a run: (seed, round, attempt, worker, purpose).
///
/// Deriving a stream from a key never touches another stream, so adding a use or a worker leaves all others unchanged.
public struct StreamKey: Hashable, Sendable {
    public enum Purpose: String, Sendable, CaseIterable {
        case adapterInitialisation = "adapter-initialisation"
        case selection
        case batches
        case dropout
        case partition
        case codec
        case downlink
        case faults
        case backoff
        /// A worker's local adapter: where it starts, and its own training.
        case localAdapter = "local-adapter"
        case localBatches = "local-batches"
        case localDropout = "local-dropout"
        case fixedFactors = "fixed-factors"
    }

    public var seed: UInt64
    public var round: Int
    public var attempt: Int
    public var worker: String
    public var purpose: Purpose

    public init(seed: UInt64, round: Int = 0, attempt: Int = 0, worker: String = "", purpose: Purpose) {
        self.seed = seed
        self.round = round
        self.attempt = attempt
        self.worker = worker
        self.purpose = purpose
    }

    /// The stream's own generator.
    public func generator() -> CounterRandom {
        var digest = FNV1a()
        digest.add(seed)
        digest.add(UInt64(round))
        digest.add(UInt64(attempt))
        digest.add(worker)
        digest.add(purpose.rawValue)
        return CounterRandom(key: digest.finished)
    }
}

/// FNV-1a over length-prefixed fields, finished with SplitMix64's mixer so that near keys give far streams.
private struct FNV1a {
    private var state: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ number: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { add(byte: UInt8(truncatingIfNeeded: number >> shift)) }
    }

    mutating func add(_ text: String) {
        add(UInt64(text.utf8.count))
        for byte in text.utf8 { add(byte: byte) }
    }

    private mutating func add(byte: UInt8) {
        state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
    }

    var finished: UInt64 {
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
