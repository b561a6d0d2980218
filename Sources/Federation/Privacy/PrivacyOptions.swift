/// How a run protects each worker's data as a whole (`privacy`): worker-level differential privacy.
public struct PrivacyOptions: Hashable, Sendable {
    public enum Mechanism: String, Hashable, Sendable, CaseIterable {
        /// A secret coin per worker chooses who takes part; the coordinator adds noise once to the sum of clipped
        /// updates. Trusts the coordinator (McMahan et al. 2018, arXiv:1710.06963).
        case central
        /// The coordinator adds noise that is correlated over rounds, and asks no worker twice within so many of them.
        /// Needs no secret coins. Trusts the coordinator (DP-FTRL, Kairouz et al. 2021, arXiv:2103.00039).
        case ftrl = "dp-ftrl"
        /// Every worker adds the noise to its own clipped update before it leaves. Trusts nobody else.
        case local
        /// Every worker adds a share of the noise to its own clipped update, under the masks of a sum: only the sum, with
        /// all shares together, comes out. Trusts that enough of its workers are honest (Skellam, Agarwal et al. 2021,
        /// arXiv:2110.04995).
        case distributed

        /// Whether the coordinator adds the noise to the sum of a round's updates.
        public var addsNoiseToSums: Bool { self == .central || self == .ftrl }
        /// Whether workers add the noise, and each pays for the rounds that it is asked in.
        public var isPaidByWorker: Bool { !addsNoiseToSums }
    }

    public var mechanism: Mechanism
    /// The budget: what may be spent on any one worker.
    public var epsilon: Double
    /// Probability that the guarantee fails.
    public var delta: Double
    /// Standard deviation of the noise on a sum over the clip (under ``Mechanism/distributed``, over ``NoiseLattice/norm``,
    /// which is a little more); `nil`: the least that the planned rounds allow.
    public var noiseMultiplier: Double?
    /// The largest L2 norm of an update, all its values together; the first one where it adapts.
    public var clip: Double
    /// How the clip follows the updates' norms; `nil`: it stays. For ``Mechanism/central`` only.
    public var adaptiveClip: AdaptiveClip?
    /// N: workers of the run.
    public var workers: Int
    /// qN: workers that a round's coins choose on average, and what sums are divided by.
    public var expectedWorkers: Int
    /// Rounds that the noise is planned for: of the run, or, where workers add it, of any one worker.
    public var plannedRounds: Int
    /// Under ``Mechanism/ftrl``, rounds from one participation of a worker to the next, at least.
    public var separation: Int
    /// Under ``Mechanism/distributed``, what the noise is added to.
    public var lattice: NoiseLattice?

    public init(
        mechanism: Mechanism, epsilon: Double, delta: Double, noiseMultiplier: Double? = nil, clip: Double,
        adaptiveClip: AdaptiveClip? = nil, workers: Int, expectedWorkers: Int, plannedRounds: Int,
        separation: Int = 1
    ) {
        precondition(separation >= 1, "workers rest at least until the next round")
        precondition(clip > 0 && expectedWorkers >= 1 && expectedWorkers <= workers, "RunFile refuses such a run")
        self.mechanism = mechanism
        self.epsilon = epsilon
        self.delta = delta
        self.noiseMultiplier = noiseMultiplier
        self.clip = clip
        self.adaptiveClip = adaptiveClip
        self.workers = workers
        self.expectedWorkers = expectedWorkers
        self.plannedRounds = plannedRounds
        self.separation = separation
    }

    /// q: the coin's probability; 1 where no coin hides who took part.
    public var samplingRate: Double {
        mechanism == .central ? Double(expectedWorkers) / Double(workers) : 1
    }

    /// What a round costs each worker, once its noise is fixed.
    public func step(noiseMultiplier: Double) throws(PrivacyError) -> SampledGaussian {
        try SampledGaussian(samplingRate: samplingRate, noiseMultiplier: noiseMultiplier)
    }

    /// The noise multiplier that was asked for, or the least one that keeps the budget over the planned rounds.
    public func plannedNoiseMultiplier() throws(PrivacyError) -> Double {
        if let noiseMultiplier { return noiseMultiplier }
        return try NoiseCalibration.noiseMultiplier(
            epsilon: epsilon, delta: delta, samplingRate: samplingRate, rounds: plannedSteps, on: lattice)
    }

    /// Steps that any one worker pays for in the planned rounds.
    var plannedSteps: Int {
        mechanism == .ftrl ? (plannedRounds + separation - 1) / separation : plannedRounds
    }

    /// Under ``Mechanism/ftrl``, how the noise of the planned rounds is correlated.
    public var noiseRoot: BandedSquareRoot? {
        mechanism == .ftrl ? .best(separation: separation, rounds: max(plannedRounds, 1)) : nil
    }

    public var budget: PrivacyBudget { PrivacyBudget(epsilon: epsilon, delta: delta, lattice: lattice) }
}
