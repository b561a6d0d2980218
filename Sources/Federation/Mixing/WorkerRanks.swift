/// How a run's workers come by the rank of the adapter they train (`adapter.rank`).
public enum WorkerRanks: Hashable, Sendable {
    /// All of them the run's own.
    case same(Int)
    /// These in turn, in the order in which workers are first asked.
    case dealt([Int])
    /// What a worker's host can do, within bounds.
    case byResources(ClosedRange<Int>)

    /// The global adapter's.
    public var largest: Int {
        switch self {
        case .same(let rank): rank
        case .dealt(let ranks): ranks.max() ?? 1
        case .byResources(let bounds): bounds.upperBound
        }
    }

    public var areMixed: Bool {
        if case .same = self { false } else { true }
    }

    /// A worker's rank, which it keeps for the whole run.
    ///
    /// By resources it is 4 for each core and each GiB of memory, whichever are fewer, rounded down to a power of two: a
    /// host of 2 cores and 4 GiB takes 8. Factors, gradients and optimiser state grow with the rank, and so does a step's
    /// time.
    ///
    /// - Parameters:
    ///   - place: The worker's place in the order in which workers are first asked, from 0.
    ///   - cores: What the worker said of its host in its greeting.
    ///   - memoryBytes: Likewise.
    public func rank(place: Int, cores: Int, memoryBytes: UInt64) -> Int {
        switch self {
        case .same(let rank): return rank
        case .dealt(let ranks): return ranks[place % ranks.count]
        case .byResources(let bounds):
            let gibibytes = Int(clamping: memoryBytes >> 30)
            // Remote numbers: beyond the bounds' own range they say nothing more.
            let units = max(0, min(cores, gibibytes, bounds.upperBound))
            var rank = 1
            while rank * 2 <= 4 * units { rank *= 2 }
            return min(max(rank, bounds.lowerBound), bounds.upperBound)
        }
    }
}
