public import Federation

/// A run file's `privacy` section: what is promised to each worker, and how it is kept.
public struct PrivacySettings: Hashable, Sendable {
    public enum Mechanism: String, Hashable, Sendable, CaseIterable {
        case none, central, local, distributed
        case ftrl = "dp-ftrl"
    }

    public enum Clipping: String, Hashable, Sendable, CaseIterable {
        case fixed, adaptive
    }

    /// What a worker says of its training beside its update: mean loss, size of its text, tokens trained.
    public enum Metrics: String, Hashable, Sendable, CaseIterable {
        case reported, withheld
    }

    public var mechanism = Mechanism.none
    public var epsilon: Double?
    public var delta: Double?
    public var noiseMultiplier: Double?
    public var clip: Double?
    public var clipping: Clipping?
    public var clipQuantile: Double?
    public var clipRate: Double?
    /// Of the count of workers within the clip. Unit: workers.
    public var clipCountNoise: Double?
    /// Most rounds a worker is planned to take part in, where workers add the noise.
    public var participations: Int?
    /// Rounds from one participation of a worker to the next, at least, where noise is correlated over rounds.
    public var separation: Int?
    public var metrics = Metrics.reported
    public var secureAggregation = SecureAggregationSettings()

    public init() {}
}

extension RunConfiguration {
    /// The run's promise as the coordinator keeps it; `nil` without one.
    public var privacyOptions: PrivacyOptions? {
        guard let epsilon = privacy.epsilon, let delta = privacy.delta, let clip = privacy.clip else { return nil }
        let mechanism: PrivacyOptions.Mechanism
        switch privacy.mechanism {
        case .none: return nil
        case .central: mechanism = .central
        case .local: mechanism = .local
        case .distributed: mechanism = .distributed
        case .ftrl: mechanism = .ftrl
        }
        let adaptive = AdaptiveClip(
            quantile: privacy.clipQuantile ?? 0.5, rate: privacy.clipRate ?? 0.2,
            countNoise: privacy.clipCountNoise ?? max(1, Double(federation.workersPerRound) / 20))
        return PrivacyOptions(
            mechanism: mechanism, epsilon: epsilon, delta: delta, noiseMultiplier: privacy.noiseMultiplier,
            clip: clip, adaptiveClip: privacy.clipping == .adaptive ? adaptive : nil, workers: federation.workers,
            expectedWorkers: min(federation.workersPerRound, federation.workers),
            plannedRounds: mechanism.isPaidByWorker ? privacy.participations ?? federation.rounds : federation.rounds,
            separation: privacy.separation ?? 1)
    }
}
