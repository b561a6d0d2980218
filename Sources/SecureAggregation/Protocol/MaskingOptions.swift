/// What a run asks of its masked sums; its run file says it.
public struct MaskingOptions: Hashable, Sendable {
    /// Name of the codec that masked vectors travel under; no other one decodes them.
    public static let codec = "masked"

    /// Values beyond ±clip are cut off. Unit: of an update's values.
    public var clip: Float
    /// Steps on each side of zero that the largest weight has.
    public var levels: Int
    /// The largest weight. Unit: blocks (causal) or examples (classification).
    public var weightLimit: Int
    /// Fewest workers that a sum is made of.
    public var minimumCohort: Int
    public var assumptions: MaskingAssumptions
    /// How long each step but training waits for workers that give signs of life. Unit: seconds.
    public var stepSeconds: Double
    /// What workers add to their integers.
    public var noise: SharedNoise?

    public init(
        clip: Float, levels: Int = 127, weightLimit: Int, minimumCohort: Int,
        assumptions: MaskingAssumptions = MaskingAssumptions(), stepSeconds: Double = 60
    ) {
        self.clip = clip
        self.levels = levels
        self.weightLimit = weightLimit
        self.minimumCohort = minimumCohort
        self.assumptions = assumptions
        self.stepSeconds = stepSeconds
    }

    public var quantisation: WeightedQuantisation {
        WeightedQuantisation(clip: clip, levels: levels, weightLimit: weightLimit, noise: noise)
    }

    /// - Parameter parameterCount: Values in an update.
    public func terms(parameterCount: Int) -> MaskingTerms {
        MaskingTerms(
            assumptions: assumptions, minimumCohort: minimumCohort, quantisation: quantisation,
            parameterCount: parameterCount)
    }
}
