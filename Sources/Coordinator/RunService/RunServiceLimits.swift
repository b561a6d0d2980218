import Federation

/// What a worker may spend on a run's training (`limits.worker-time`, `limits.worker-energy`).
public struct WorkerLimit: Hashable, Sendable {
    /// `nil`: any. Unit: seconds.
    public var seconds: Double?
    /// `nil`: any. Unit: joules.
    public var joules: Double?

    public init(seconds: Double? = nil, joules: Double? = nil) {
        self.seconds = seconds
        self.joules = joules
    }

    var isNone: Bool { seconds == nil && joules == nil }

    func isReached(seconds: Double, joules: Double) -> Bool {
        self.seconds.map { seconds >= $0 } ?? false || self.joules.map { joules >= $0 } ?? false
    }
}

// MARK: - Workers that have spent what they may
extension RunService {
    /// Notes whom the round may not ask: who has spent what `limits` allows in the rounds before it. What they tell in this
    /// round changes nothing before the next, so that a restarted coordinator asks the same workers.
    func noteSpent(round: Int) throws {
        guard !settings.workerLimit.isNone else { return }
        let costs = try ledger.costs(before: round)
        spent = Set(
            costs.filter { settings.workerLimit.isReached(seconds: $0.value.seconds, joules: $0.value.joules) }.keys)
    }
}
