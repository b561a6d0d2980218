import Glibc
public import Randomness

extension Selector {
    /// Draws workers without replacement.
    ///
    /// The draw depends on the set of names, their history and the key alone: not on the order of `workers`, nor on
    /// names given twice.
    ///
    /// - Parameters:
    ///   - count: Workers wanted; at least as many as there are returns all of them.
    ///   - workers: The candidates.
    ///   - key: The stream of this draw, purpose `selection`.
    /// - Returns: The drawn names in ascending order.
    /// - Precondition: `count >= 0`.
    public func draw(_ count: Int, from workers: [WorkerName], key: StreamKey) -> [WorkerName] {
        switch policy {
        case .uniform: return Selection.uniform(count, from: workers, key: key)
        case .dataSize:
            let typical = medianItems
            return Selection.weighted(count, from: workers, key: key) { Double(history[$0]?.items ?? typical) }
        case .availability:
            return Selection.weighted(count, from: workers, key: key) { history[$0]?.availability ?? 1 }
        case .fair:
            return Selection.ranked(count, from: workers, key: key) { history[$0]?.participations ?? 0 }
        }
    }

    /// What a worker whose size is unknown is taken to have: the lower median of the known sizes, or 1. Unit: items.
    var medianItems: UInt64 {
        let known = history.values.compactMap(\.items).sorted()
        return known.isEmpty ? 1 : known[(known.count - 1) / 2]
    }
}

extension Selection {
    /// Draws one worker after the other, each with a probability proportional to its weight among those left.
    ///
    /// Each worker waits an exponential time of rate weight; the first to ring are drawn (Efraimidis and Spirakis 2006).
    ///
    /// - Parameter weight: Finite and at least 0; whoever weighs nothing comes after everybody else.
    static func weighted(
        _ count: Int, from workers: [WorkerName], key: StreamKey, by weight: (WorkerName) -> Double
    ) -> [WorkerName] {
        var generator = key.generator()
        let waiting = Set(workers).sorted().map { worker in
            // uniformDouble is above 0, so that the logarithm is finite.
            (time: -log(generator.uniformDouble()) / weight(worker), worker: worker)
        }
        return first(
            count, of: waiting.sorted { $0.time < $1.time || $0.time == $1.time && $0.worker < $1.worker }.map(\.worker)
        )
    }

    /// Takes the workers of the lowest rank; among equals, every choice is equally likely.
    static func ranked(
        _ count: Int, from workers: [WorkerName], key: StreamKey, by rank: (WorkerName) -> Int
    ) -> [WorkerName] {
        var generator = key.generator()
        let order = Set(workers).sorted().map { (rank: rank($0), lot: generator.next(), worker: $0) }
        return first(
            count, of: order.sorted { ($0.rank, $0.lot, $0.worker) < ($1.rank, $1.lot, $1.worker) }.map(\.worker))
    }

    private static func first(_ count: Int, of workers: [WorkerName]) -> [WorkerName] {
        precondition(count >= 0, "cannot select \(count) workers")
        return workers.prefix(count).sorted()
    }
}
