/// What earlier rounds showed of a worker: what ``SelectionPolicy`` goes by.
public struct WorkerHistory: Hashable, Sendable {
    /// Training items behind its latest update; `nil` before its first. The worker's own word. Unit: blocks or examples.
    public var items: UInt64?
    /// Offers it answered with an update that counts.
    public var completed: Int
    /// Offers it declined, let lapse or answered too late. One withdrawn because others were faster is none of them.
    public var failed: Int

    public init(items: UInt64? = nil, completed: Int = 0, failed: Int = 0) {
        self.items = items
        self.completed = completed
        self.failed = failed
    }

    /// Rounds that asked this worker and were answered, one way or the other.
    public var participations: Int { completed + failed }

    /// The share of its offers that it completed, as if it had completed one more: a newcomer counts as reliable, and
    /// nobody is shut out for good.
    public var availability: Double { Double(completed + 1) / Double(participations + 1) }
}
