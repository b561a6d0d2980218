/// A run file's `evaluation` section: when, where and for whom the held-out loss is taken.
public struct EvaluationOptions: Hashable, Sendable {
    public enum Source: String, Hashable, Sendable, CaseIterable {
        /// Test rows that the coordinator holds.
        case coordinator
        /// Every worker's own held-out split.
        case workers
        /// All rows of workers that never train.
        case heldOutWorkers = "held-out-workers"
        /// Nobody's: no loss is taken during the run.
        case nobody = "none"

        /// Whether losses that workers measure on their own text leave them.
        public var isOfWorkers: Bool { self == .workers || self == .heldOutWorkers }
    }

    /// Rounds between evaluations; 0 evaluates only at the end.
    public var every: Int
    public var source: Source
    /// Fewer workers' reports than this are never published.
    public var minimumCohort: Int
    /// How many of `federation.workers` are kept from training.
    public var heldOutWorkers: Int
    /// How much a round's loss may be above that of the last good adapter before it is rolled back; `nil`: no gate.
    /// Unit: nats a token.
    public var gate: Double?
    /// So many rollbacks in a row pause the run.
    public var gateAttempts: Int
}
