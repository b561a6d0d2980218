/// A run as tools that compare experiments keep one: its settings, and numbers that change over its rounds.
public struct TrackedRun: Sendable {
    public enum Status: Sendable {
        case running, finished, stopped
    }

    /// A number at one moment.
    public struct Metric: Hashable, Sendable {
        /// Parts with slashes between them, for example `loss/held-out`.
        public var name: String
        /// The round; 0 is the model before the first one.
        public var step: Int
        /// When the round was published. Unit: seconds since 1970.
        public var at: Int64
        public var value: Double

        public init(_ name: String, step: Int, at: Int64, value: Double) {
            self.name = name
            self.step = step
            self.at = at
            self.value = value
        }
    }

    /// What energy is called: the tools that read it know no marks beside a number.
    ///
    /// - Parameter isMeasured: Whether all of it was read from hardware; otherwise it is an estimate, in whole or in part.
    public static func energyName(isMeasured: Bool) -> String {
        isMeasured ? "energy/joules" : "energy/joules-estimated"
    }

    public var id: String
    public var status: Status
    /// Unit: seconds since 1970.
    public var startedAt: Int64
    /// Of the newest round; `nil` before the first.
    public var newestAt: Int64?
    /// Names with dots between their parts.
    public var settings: [(name: String, value: String)]
    /// What cannot change: the base model's identity, the program's version.
    public var tags: [(name: String, value: String)]
    /// Ascending by step.
    public var metrics: [Metric]

    public init(
        id: String, status: Status, startedAt: Int64, newestAt: Int64?, settings: [(name: String, value: String)],
        tags: [(name: String, value: String)], metrics: [Metric]
    ) {
        self.id = id
        self.status = status
        self.startedAt = startedAt
        self.newestAt = newestAt
        self.settings = settings
        self.tags = tags
        self.metrics = metrics
    }
}
