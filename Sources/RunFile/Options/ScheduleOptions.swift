public import Federation

/// When updates become a version (`federation.schedule`).
public enum Schedule: String, Hashable, Sendable, CaseIterable {
    /// Rounds that begin and end for all their workers together.
    case synchronous
    /// Each worker trains at its own pace; every so many updates become a version (FedBuff, arXiv:2106.06639).
    case asynchronous
}

/// The numbers of the asynchronous schedule; `nil` for the synchronous one, which has no use for them.
public struct ScheduleOptions: Hashable, Sendable {
    public var bufferSize: Int?
    public var stalenessExponent: Double?
    public var maximumStaleness: Int?
    public var concurrency: Int?

    public init() {}
}

extension FederationOptions {
    /// How an asynchronous run takes updates in; `nil` where the schedule is synchronous.
    public var buffering: BufferOptions? {
        guard schedule == .asynchronous else { return nil }
        return BufferOptions(
            size: scheduleOptions.bufferSize ?? 10, stalenessExponent: scheduleOptions.stalenessExponent ?? 0.5,
            maximumStaleness: scheduleOptions.maximumStaleness ?? 20,
            concurrency: scheduleOptions.concurrency ?? workersPerRound)
    }

    /// Workers that a synchronous round asks.
    public var workersAsked: Int {
        // A factor such as 1.1 is not exact: 1.1 · 10 is above 11.
        Int((overSelection * Double(workersPerRound) - 1e-9).rounded(.up))
    }
}
