/// What an offer asks of a worker whose update is to leave it under masks only (secure aggregation); the same for all
/// workers of an attempt.
public struct UpdateMasking: Hashable, Sendable {
    /// Values beyond ±clip are cut off. Unit: of the update's values; positive and finite.
    public var clip: Float
    /// Steps on each side of zero that the largest weight has, 1 to 2³⁰.
    public var levels: Int
    /// The largest weight, 1 to 2³¹. Unit: blocks (causal) or examples (classification).
    public var weightLimit: Int
    /// Fewest workers that a sum is made of, at least 2.
    public var minimumCohort: Int
    /// Of the cohort, how many may collude with the coordinator. Unit: fraction, from 0 to below 1.
    public var corruptFraction: Double
    /// Of the cohort, how many may drop out. Unit: fraction, from 0 to below 1.
    public var dropoutFraction: Double
    /// Values in an update, at least 1.
    public var parameterCount: Int
    /// What the worker adds to its integers; with it the largest weight is 1.
    public var noise: Noise?

    /// A share of noise, and how many honest shares make it whole.
    public struct Noise: Hashable, Sendable {
        /// Of Skellam noise on each integer, at least 0. Unit: steps².
        public var variance: Double
        /// The largest L2 norm of the worker's integers, above 0. Unit: steps.
        public var norm: Double
        /// At least 1.
        public var minimumHonest: Int

        public init(variance: Double, norm: Double, minimumHonest: Int) {
            self.variance = variance
            self.norm = norm
            self.minimumHonest = minimumHonest
        }
    }

    public init(
        clip: Float, levels: Int, weightLimit: Int, minimumCohort: Int, corruptFraction: Double,
        dropoutFraction: Double, parameterCount: Int, noise: Noise? = nil
    ) {
        self.clip = clip
        self.levels = levels
        self.weightLimit = weightLimit
        self.minimumCohort = minimumCohort
        self.corruptFraction = corruptFraction
        self.dropoutFraction = dropoutFraction
        self.parameterCount = parameterCount
        self.noise = noise
    }
}

/// Both ways: one worker's part in one step of a masked sum. The step's message, bytes of `SecureAggregation`, is the
/// payload frame; an empty one says from a worker that it asks what follows the step, and from the coordinator that the
/// worker's message is durable and nothing follows yet.
public struct MaskStep: Hashable, Sendable {
    public enum Step: UInt32, Hashable, Sendable, CaseIterable {
        case keys = 1
        case shares = 2
        case vectors = 3
        case signatures = 4
        case reveals = 5
    }

    public var lease: UInt64
    public var step: Step

    public init(lease: UInt64, step: Step) {
        self.lease = lease
        self.step = step
    }
}
