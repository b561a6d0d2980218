/// What a round is asked to reach, fixed when it opens.
public struct RoundPlan: Hashable, Sendable {
    /// Keys the selection's randomness.
    public var seed: UInt64
    /// From 1.
    public var round: Int
    /// From 1; a rolled-back round is tried again as the next attempt.
    public var attempt: Int
    /// Updates that close the round at once.
    public var target: Int
    /// Updates that close it at its deadline.
    public var minimum: Int
    /// From opening (or from resuming after a restart: an `Instant` does not outlive the process); `nil` waits for
    /// `target`. Unit: seconds.
    public var deadlineSeconds: Double?
    /// How long an offer stands without a sign of life from its worker. Unit: seconds.
    public var leaseSeconds: Double

    /// - Precondition: `1 <= minimum <= target`.
    public init(
        seed: UInt64, round: Int, attempt: Int, target: Int, minimum: Int, deadlineSeconds: Double?,
        leaseSeconds: Double
    ) {
        precondition(minimum >= 1 && minimum <= target, "a round needs 1 <= \(minimum) <= \(target) updates")
        self.seed = seed
        self.round = round
        self.attempt = attempt
        self.target = target
        self.minimum = minimum
        self.deadlineSeconds = deadlineSeconds
        self.leaseSeconds = leaseSeconds
    }
}
