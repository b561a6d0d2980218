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
    /// Workers that train at once for it: above `target` where some are expected to be slow or to fail, whose leases
    /// then end with the round (over-selection).
    public var asked: Int
    /// Who is asked.
    public var selector: Selector
    /// Updates that close it at its deadline.
    public var minimum: Int
    /// From opening (or from resuming after a restart: an `Instant` does not outlive the process); `nil` waits for
    /// `target`. Unit: seconds.
    public var deadlineSeconds: Double?
    /// Whether coins chose the workers (``PoissonSampling``): nobody is replaced, and only the deadline closes the round,
    /// with whatever is there.
    public var isSampled = false
    /// Whether updates come under masks: then nobody joins or replaces anybody once the cohort's keys are in
    /// (``Round/fixCohort(_:at:)``), and the masked sum's own steps close the round (``Round/close()``).
    public var isMasked = false
    /// How long an offer stands without a sign of life from its worker. Unit: seconds.
    public var leaseSeconds: Double

    /// - Parameter asked: `nil`: `target`.
    /// - Precondition: `1 <= minimum <= target <= asked`.
    public init(
        seed: UInt64, round: Int, attempt: Int, target: Int, minimum: Int, deadlineSeconds: Double?,
        leaseSeconds: Double, asked: Int? = nil, selector: Selector = Selector()
    ) {
        precondition(minimum >= 1 && minimum <= target, "a round needs 1 <= \(minimum) <= \(target) updates")
        precondition(asked ?? target >= target, "a round asks \(asked ?? target) workers for \(target) updates")
        self.seed = seed
        self.round = round
        self.attempt = attempt
        self.target = target
        self.asked = asked ?? target
        self.selector = selector
        self.minimum = minimum
        self.deadlineSeconds = deadlineSeconds
        self.leaseSeconds = leaseSeconds
    }
}
