/// Who takes part in a round: an independent coin for each enrolled worker, connected or not.
///
/// Only so does chance hide each worker from the others (amplification by sampling): a draw of a fixed number among those
/// that happen to be connected is another mechanism. The generator must be a cryptographic one, or whoever knows its seed
/// knows who took part.
public enum PoissonSampling {
    /// - Parameters:
    ///   - workers: The enrolled ones; names given twice have one coin.
    ///   - rate: The coin's probability, above 0 and at most 1.
    /// - Returns: The chosen names in ascending order; none, if so the coins fall.
    public static func chosen(
        from workers: [WorkerName], rate: Double, using generator: inout some RandomNumberGenerator
    ) -> [WorkerName] {
        precondition(rate > 0 && rate <= 1, "sampling rate \(rate)")
        return Set(workers).sorted().filter { _ in Double(generator.next() >> 11) * 0x1p-53 < rate }
    }
}
