internal import Randomness

/// Keys the random choices of one update's codec, on both sides of the wire.
///
/// The worker and the coordinator derive it from what both know of the update; a repeated attempt gets a new one, so
/// that the errors of two encodings are independent.
public enum CodecSeed {
    /// - Parameter seed: The run's.
    public static func derive(seed: UInt64, round: Int, attempt: Int, worker: WorkerName) -> UInt64 {
        let key = StreamKey(seed: seed, round: round, attempt: attempt, worker: worker.text, purpose: .codec)
        var generator = key.generator()
        return generator.next()
    }

    /// - Parameters:
    ///   - seed: The run's.
    ///   - version: Of the adapter that a downlink's change leads to.
    static func downlink(seed: UInt64, version: Int) -> UInt64 {
        var generator = StreamKey(seed: seed, round: version, purpose: .downlink).generator()
        return generator.next()
    }
}
