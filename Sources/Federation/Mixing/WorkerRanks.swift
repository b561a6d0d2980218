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

    /// What a core of a small machine does in products of float32 matrices. Unit: GFLOP/s.
    public static let gigaflopsPerUnit: Float = 16

    public var areMixed: Bool {
        if case .same = self { false } else { true }
    }

    /// A worker's rank, which it keeps for the whole run.
    ///
    /// By resources it is 4 for each GiB of memory and each ``gigaflopsPerUnit`` of speed, whichever are fewer, rounded down
    /// to a power of two: a host of 4 GiB and 32 GFLOP/s takes 8. Factors, gradients and optimiser state grow with the
    /// rank, and so does a step's time: a slow host would hold up everybody else's round. A host that does not tell its
    /// speed is taken at one unit a core.
    ///
    /// - Parameters:
    ///   - place: The worker's place in the order in which workers are first asked, from 0.
    ///   - cores: What the worker said of its host in its greeting.
    ///   - memoryBytes: Likewise.
    ///   - gigaflops: Likewise: products of float32 matrices on all its cores; 0: not told. Unit: GFLOP/s.
    public func rank(place: Int, cores: Int, memoryBytes: UInt64, gigaflops: Float = 0) -> Int {
        switch self {
        case .same(let rank): return rank
        case .dealt(let ranks): return ranks[place % ranks.count]
        case .byResources(let bounds):
            let gibibytes = Int(clamping: memoryBytes >> 30)
            // Remote numbers: beyond the bounds' own range they say nothing more.
            let most = bounds.upperBound
            let speed = gigaflops > 0 ? Int(min(gigaflops / Self.gigaflopsPerUnit, Float(most))) : cores
            let units = max(0, min(speed, gibibytes, most))
            var rank = 1
            while rank * 2 <= 4 * units { rank *= 2 }
            return min(max(rank, bounds.lowerBound), bounds.upperBound)
        }
    }
}
