public import Randomness

/// Which of the connected workers a round asks to train.
public enum Selection {
    /// Draws workers uniformly without replacement: every subset of `count` workers is equally likely.
    ///
    /// The draw depends on the set of names and the key alone: not on the order of `workers`, nor on names given twice.
    ///
    /// - Parameters:
    ///   - count: Workers wanted; at least as many as there are returns all of them.
    ///   - workers: The candidates.
    ///   - key: The stream of this round and attempt, purpose `selection`.
    /// - Returns: The drawn names in ascending order.
    /// - Precondition: `count >= 0`.
    public static func uniform(_ count: Int, from workers: [WorkerName], key: StreamKey) -> [WorkerName] {
        precondition(count >= 0, "cannot select \(count) workers")
        var candidates = Set(workers).sorted()
        guard count < candidates.count else { return candidates }
        var generator = key.generator()
        // Fisher–Yates, stopped once the first `count` places are drawn.
        for place in 0..<count {
            candidates.swapAt(place, place + generator.index(below: candidates.count - place))
        }
        return candidates[..<count].sorted()
    }
}
