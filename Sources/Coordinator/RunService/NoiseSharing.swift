import Federation
import ModelFiles
import SecureAggregation

/// What a run's workers share noise under: the integers that their updates become, and who can be relied on.
struct NoiseSharing {
    /// Of the largest update of any round.
    let lattice: NoiseLattice
    /// Fewest workers in a sum whose shares nobody else knows.
    let minimumHonest: Int

    /// - Returns: `nil` where the run's noise is not shared.
    init?(_ settings: RunSettings, layout: AdapterLayout) {
        guard let options = settings.privacy, options.mechanism == .distributed, let masking = settings.masking else {
            return nil
        }
        // Rounds may train different parts in turn.
        let dimension = (1...2).map { settings.aggregation.part(of: layout, round: $0).count }.max() ?? 1
        lattice = NoiseLattice(clip: options.clip / masking.quantisation.step, dimension: max(1, dimension))
        minimumHonest = masking.minimumCohort - masking.assumptions.corrupt(of: settings.workersPerRound)
    }
}

extension RunService {
    /// How this run's updates are summed under masks, the noise in it included; `nil`: they are not.
    var masking: MaskingOptions? {
        var options = settings.masking
        options?.noise = privacy?.sharedNoise
        return options
    }

    /// What cannot be known before the adapter is.
    static func checkNoise(_ privacy: PrivacyOfRun?, _ settings: RunSettings) throws {
        guard var options = settings.masking, let privacy, let noise = privacy.sharedNoise else { return }
        precondition(privacy.terms.minimumHonest >= 1, "RunFile refuses such a run")
        options.noise = noise
        _ = try options.quantisation.bits(cohort: settings.workersPerRound)
    }
}
