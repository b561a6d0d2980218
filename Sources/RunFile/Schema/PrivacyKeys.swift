import Federation
import Recipe

extension RunSchema {
    static let privacyKeys =
        secureAggregationKeys + [
            SchemaKey(
                "privacy.mechanism", .choice(PrivacySettings.Mechanism.allCases.map(\.rawValue)),
                .value(.text("none")), at: \.privacy.mechanism,
                "Worker-level differential privacy: none, noise that the coordinator adds to sums over secretly chosen workers "
                    + "(central), noise that it correlates over rounds, asking no worker again too soon (dp-ftrl), noise that "
                    + "every worker adds to its own update (local), or shares of noise that workers add under masks, so "
                    + "that their sum alone is as noisy as it has to be (distributed)."),
            SchemaKey(
                "privacy.metrics", .choice(PrivacySettings.Metrics.allCases.map(\.rawValue)),
                .derived("withheld with a privacy.mechanism, secure-aggregation or example-clip, else reported") {
                    let isProtected =
                        $0.privacy.mechanism != .none || $0.privacy.secureAggregation.isOn
                        || $0.training.exampleClip != nil
                    return .text(isProtected ? "withheld" : "reported")
                }, at: \.privacy.metrics,
                "Whether workers tell their training loss, tokens trained and the size of their text."),
        ] + promiseKeys + clipKeys + exampleKeys

    /// Used only with a mechanism.
    static let promiseKeys = [
        SchemaKey(
            "privacy.epsilon", .number(.positive), orWord: nil, .absent, at: \.privacy.epsilon,
            "The budget: no round is published that would take any worker above it."),
        SchemaKey(
            "privacy.delta", .number(.delta), orWord: nil,
            .absent, at: \.privacy.delta,
            "Probability that the guarantee fails; below 1 / federation.workers."),
        SchemaKey(
            "privacy.noise-multiplier", .number(NumberRange(minimum: SampledGaussian.leastNoiseMultiplier)),
            orWord: nil, .absent, at: \.privacy.noiseMultiplier,
            "Standard deviation of the noise on a sum of updates over the clip (distributed: over the clip in steps, as "
                + "rounding lengthens it); absent: the least that lets all rounds fit "
                + "the budget."),
        SchemaKey(
            "privacy.participations", .integer(1...1_000_000), orWord: nil,
            .derived("federation.rounds with mechanism local or distributed") {
                guard $0.privacy.mechanism == .local || $0.privacy.mechanism == .distributed else { return nil }
                return .integer($0.federation.rounds)
            }, change: .allowed, at: \.privacy.participations,
            "Rounds that each worker's own budget is planned for, with mechanism local or distributed."),
        SchemaKey(
            "privacy.separation", .integer(1...1_000_000), orWord: nil,
            .derived("workers / workers-per-round, rounded down, with mechanism dp-ftrl") {
                guard $0.privacy.mechanism == .ftrl else { return nil }
                return .integer(max(1, $0.federation.workers / max(1, $0.federation.workersPerRound)))
            }, at: \.privacy.separation,
            "With mechanism dp-ftrl, a worker whose update was counted is not asked again before so many rounds later. The "
                + "longer, the less noise; short of all workers' turns, some may be away."),
    ]

    /// Noise within each worker's own training, beside any mechanism.
    static let exampleKeys = [
        SchemaKey(
            "privacy.example-clip", .number(.positive), orWord: nil, .absent, at: \.training.exampleClip,
            "Largest L2 norm of the gradient of one block or example: with example-noise-multiplier, what an update tells "
                + "of any one of them has a bound, which each worker counts for itself (DP-SGD)."),
        SchemaKey(
            "privacy.example-noise-multiplier",
            .number(NumberRange(minimum: SampledGaussian.leastNoiseMultiplier, below: 1e6)), orWord: nil, .absent,
            at: \.training.exampleNoiseMultiplier,
            "Standard deviation of the noise that a worker adds to the sum of a step's gradients, over example-clip."),
    ]

    static let clipKeys = [
        SchemaKey(
            "privacy.clip", .number(.positive), orWord: nil,
            .derived("0.1, where it adapts") { isAdaptive($0) ? .number(0.1) : nil },
            at: \.privacy.clip,
            "The largest L2 norm of an update, all its values together; where clipping adapts, the first one."),
        SchemaKey(
            "privacy.clipping", .choice(PrivacySettings.Clipping.allCases.map(\.rawValue)), orWord: nil,
            .derived("fixed with a privacy.mechanism") { $0.privacy.mechanism == .none ? nil : .text("fixed") },
            at: \.privacy.clipping, "Whether the clip stays (fixed) or follows the updates' norms (adaptive)."),
        SchemaKey(
            "privacy.clip-quantile", .number(.fraction), orWord: nil, adaptive("0.5", .number(0.5)),
            at: \.privacy.clipQuantile, "The part of the updates that an adaptive clip leaves as they are."),
        SchemaKey(
            "privacy.clip-rate", .number(.positive), orWord: nil, adaptive("0.2", .number(0.2)),
            at: \.privacy.clipRate, "How fast an adaptive clip moves a round."),
        SchemaKey(
            "privacy.clip-count-noise", .number(.positive), orWord: nil,
            .derived("workers-per-round / 20, at least 1, with clipping adaptive") {
                guard isAdaptive($0) else { return nil }
                return .number(max(1, Double($0.federation.workersPerRound) / 20))
            }, at: \.privacy.clipCountNoise,
            "Noise on the count of updates that an adaptive clip left as they were. Unit: workers."),
    ]

    private static func adaptive(_ words: String, _ value: SettingValue) -> SchemaKey.Fallback {
        .derived("\(words) with clipping adaptive") { isAdaptive($0) ? value : nil }
    }

    private static func isAdaptive(_ run: RunConfiguration) -> Bool {
        run.privacy.mechanism != .none && run.privacy.clipping == .adaptive
    }
}

extension PrivacySettings.Mechanism: SettingRepresentable {}
extension PrivacySettings.Clipping: SettingRepresentable {}
extension PrivacySettings.Metrics: SettingRepresentable {}
