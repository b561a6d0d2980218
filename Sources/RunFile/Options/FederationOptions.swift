public import Federation

/// A run file's `federation` section: who trains when, and how updates become an adapter.
public struct FederationOptions: Hashable, Sendable {
    /// Workers that take part, held-out ones included.
    public var workers: Int
    public var rounds: Int
    /// Updates a round asks for.
    public var workersPerRound: Int
    /// Updates with which a round may close at its deadline.
    public var minimumWorkers: Int
    /// How long a round may take before it closes with the minimum; `nil` waits for all.
    public var deadline: Duration?
    public var strategy: Strategy
    public var strategyOptions: StrategyOptions
    public var aggregation: FactorAggregation
    /// The largest rank of a layer's residual; `nil` for methods that keep none.
    public var residualRank: Int?
    public var personalisation = Personalisation.none
    public var robust = RobustSettings()
    /// Keys every random stream of the run.
    public var seed: UInt64
    /// Factor on ``workersPerRound``: so many workers are asked.
    public var overSelection: Double
    /// By what a round chooses among the connected workers.
    public var selection: SelectionPolicy
    public var schedule: Schedule
    public var scheduleOptions: ScheduleOptions
    public var weightCap: WeightCap

    /// ``deadline`` as the monotonic clock counts. Unit: seconds.
    public var deadlineSeconds: Double? { deadline.map { $0 / .seconds(1) } }
}
