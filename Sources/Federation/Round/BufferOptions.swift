import Glibc

/// How an asynchronous run takes updates in (`federation.schedule: asynchronous`): FedBuff (Nguyen et al. 2022,
/// arXiv:2106.06639).
public struct BufferOptions: Hashable, Sendable {
    /// K: updates that make one published version.
    public var size: Int
    /// a: how fast an update loses weight with age.
    public var stalenessExponent: Double
    /// An update from a version further behind than this is refused. Unit: versions.
    public var maximumStaleness: Int
    /// Workers that train at once.
    public var concurrency: Int

    /// - Precondition: All are at least 1, but `maximumStaleness` and `stalenessExponent`, which are at least 0.
    public init(
        size: Int = 10, stalenessExponent: Double = 0.5, maximumStaleness: Int = 20, concurrency: Int
    ) {
        precondition(size >= 1 && concurrency >= 1, "a buffer of \(size), \(concurrency) workers at once")
        precondition(maximumStaleness >= 0 && stalenessExponent >= 0, "staleness below 0")
        self.size = size
        self.stalenessExponent = stalenessExponent
        self.maximumStaleness = maximumStaleness
        self.concurrency = concurrency
    }

    /// How much an update counts that started so many versions ago: `(1 + s)^−a`.
    public func discount(staleness: Int) -> Double {
        precondition(staleness >= 0, "staleness \(staleness)")
        return pow(1 + Double(staleness), -stalenessExponent)
    }
}
