/// What coordinator and workers agree on before an attempt; it follows from the run file.
public struct MaskingTerms: Hashable, Sendable {
    public let assumptions: MaskingAssumptions
    /// Fewest workers whose updates are summed, 2 or more. A worker may hold out for more.
    public let minimumCohort: Int
    public let quantisation: WeightedQuantisation
    /// Values in an update; its weight is one more.
    public let parameterCount: Int

    public init(
        assumptions: MaskingAssumptions, minimumCohort: Int, quantisation: WeightedQuantisation, parameterCount: Int
    ) {
        precondition(minimumCohort >= 2 && parameterCount >= 1, "\(minimumCohort) workers, \(parameterCount) values")
        self.assumptions = assumptions
        self.minimumCohort = minimumCohort
        self.quantisation = quantisation
        self.parameterCount = parameterCount
    }

    /// Fewest workers whose vectors may be summed: with shared noise as many that those who may collude leave enough
    /// honest ones.
    func fewestSurvivors(cohort: Int) -> Int {
        guard let noise = quantisation.noise else { return minimumCohort }
        return max(minimumCohort, noise.minimumHonest + assumptions.corrupt(of: cohort))
    }

    /// Bytes of a masked vector among `cohort` workers.
    public func vectorBytes(cohort: Int) throws(MaskingError) -> Int {
        PackedWords.byteCount(of: parameterCount + 1, bits: try quantisation.bits(cohort: cohort))
    }
}
