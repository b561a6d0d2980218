public import Federation

/// A run file's `adapter.rank` with its bounds.
public struct RankOptions: Hashable, Sendable {
    public enum Choice: Hashable, Sendable {
        case fixed(Int)
        /// Dealt to workers in turn; at least two.
        case dealt([Int])
        /// By each worker's memory and measured speed.
        case auto
    }

    public var choice: Choice
    /// The least rank of `auto`; `nil` for other choices.
    public var minimum: Int?
    /// The largest rank of `auto`; `nil` for other choices.
    public var maximum: Int?

    public var workerRanks: WorkerRanks {
        switch choice {
        case .fixed(let rank): return .same(rank)
        case .dealt(let ranks): return .dealt(ranks)
        case .auto:
            let lowest = minimum ?? 1
            return .byResources(lowest...max(lowest, maximum ?? lowest))
        }
    }
}
