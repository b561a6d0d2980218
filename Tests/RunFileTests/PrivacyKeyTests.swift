import Federation
import Recipe
import RunFile
import SecureAggregation
import Testing

@Suite("A run file's privacy")
struct PrivacyKeyTests {
    private static let central = [
        "privacy.mechanism=central", "privacy.epsilon=8", "privacy.delta=1e-5", "privacy.clip=0.5",
        "federation.deadline=1m",
    ]
    private static let local = [
        "privacy.mechanism=local", "privacy.epsilon=8", "privacy.delta=1e-5", "privacy.clip=0.5",
    ]

    private func load(_ overrides: [String]) throws -> RunConfiguration {
        try RunConfiguration(yaml: Minimal.yaml, overrides: overrides)
    }

    @Test("promises nothing unless told to")
    func defaults() throws {
        let run = try load([])
        #expect(run.privacyOptions == nil && run.privacy.metrics == .reported)
    }

    @Test("central noise: all workers alike, no minimum, metrics withheld, the noise from the budget")
    func central() throws {
        let run = try load(Self.central + ["federation.workers-per-round=3"])
        let options = try #require(run.privacyOptions)
        #expect(options.mechanism == .central && options.samplingRate == 3.0 / 9 && options.expectedWorkers == 3)
        #expect(options.epsilon == 8 && options.delta == 1e-5 && options.clip == 0.5 && options.adaptiveClip == nil)
        #expect(run.federation.weightCap == WeightCap(maximumItems: 1) && run.federation.minimumWorkers == 1)
        #expect(run.privacy.metrics == .withheld)
        let noise = try options.plannedNoiseMultiplier()
        let step = try SampledGaussian(samplingRate: 3.0 / 9, noiseMultiplier: noise)
        #expect(try PrivacyLossAccountant.epsilon([step: 3], delta: 1e-5) <= 8)
        #expect(try RunConfiguration(canonicalJSON: run.canonicalJSON) == run)
        let own = try load(Self.central + ["privacy.noise-multiplier=2"])
        #expect(try own.privacyOptions?.plannedNoiseMultiplier() == 2)
    }

    @Test("an adaptive clip starts at the paper's values")
    func adaptive() throws {
        let run = try load(
            Self.central.filter { !$0.hasPrefix("privacy.clip") } + [
                "privacy.clipping=adaptive", "federation.workers=900", "federation.workers-per-round=100",
            ])
        #expect(run.privacyOptions?.clip == 0.1)
        #expect(run.privacyOptions?.adaptiveClip == AdaptiveClip(quantile: 0.5, rate: 0.2, countNoise: 5))
    }

    @Test("local noise is planned for the rounds of one worker, without a residual")
    func local() throws {
        let run = try load(Self.local + ["compression.uplink=ternary:density=0.1", "privacy.participations=2"])
        #expect(run.privacyOptions?.samplingRate == 1 && run.privacyOptions?.plannedRounds == 2)
        #expect(!run.compression.errorFeedback && run.federation.deadline == nil)
        #expect(try load(Self.local).privacyOptions?.plannedRounds == 3)
    }

    private static let distributed = [
        "privacy.mechanism=distributed", "privacy.epsilon=8", "privacy.delta=1e-5", "privacy.clip=0.5",
        "privacy.secure-aggregation=true", "privacy.mask-clip=0.5",
    ]

    @Test("shared noise: each worker pays for its rounds, all weigh alike, and steps are fine")
    func distributed() throws {
        let run = try load(Self.distributed + ["privacy.participations=2"])
        let options = try #require(run.privacyOptions)
        #expect(options.mechanism == .distributed && options.samplingRate == 1 && options.plannedRounds == 2)
        #expect(options.mechanism.isPaidByWorker && !options.mechanism.addsNoiseToSums)
        #expect(run.maskingOptions?.levels == 32_767 && run.maskingOptions?.weightLimit == 1)
        #expect(run.privacy.metrics == .withheld && run.privacy.clipping == .fixed)
        #expect(try load(Self.distributed).privacyOptions?.plannedRounds == 3)
        #expect(try load(Self.distributed + ["privacy.mask-levels=99"]).maskingOptions?.levels == 99)
        #expect(try RunConfiguration(canonicalJSON: run.canonicalJSON) == run)
    }

    @Test(
        "shared noise is refused where it would not add up, with key and remedy",
        arguments: [
            ("privacy.secure-aggregation=false", "protects under masks alone", "'privacy.secure-aggregation: true'"),
            ("privacy.clipping=adaptive", "under its masks", "set it to fixed"),
            ("privacy.separation=2", "only with 'privacy.mechanism: dp-ftrl'", "remove it"),
            ("privacy.mask-corrupt=0.5", "nobody would be left", "raise the minimum above 5"),
            ("federation.weight-cap=9", "counts all workers alike", "remove 'federation.weight-cap'"),
            ("evaluation.gate=0.1", "a gate decides without noise", "remove 'evaluation.gate'"),
            ("privacy.metrics=reported", "published without noise", "remove 'privacy.metrics'"),
            ("federation.aggregation=flora", "products of single workers' factors", "separate, ffa-lora"),
            ("federation.robust=[median]", "compares single ones", "remove 'federation.robust'"),
            ("federation.schedule=asynchronous", "one cohort", "'federation.schedule: synchronous'"),
        ])
    func distributedRefusals(_ override: String, _ reason: String, _ remedy: String) {
        let kept = Self.distributed.filter { !$0.hasPrefix(override.prefix { $0 != "=" }) }
        let error = #expect(throws: RunFileError.self) { try load(kept + [override]) }
        let problem = error?.problems.first { $0.message.contains(reason) }
        #expect(problem?.message.contains(remedy) == true, "\(override): \(String(describing: error))")
        #expect(problem?.location.isEmpty == false)
    }

    private static let examples = ["privacy.example-clip=0.5", "privacy.example-noise-multiplier=1.1"]

    @Test("noise on single examples goes with any mechanism or none, and withholds what would tell of them")
    func examples() throws {
        let run = try load(Self.examples)
        #expect(run.training.exampleClip == 0.5 && run.training.exampleNoiseMultiplier == 1.1)
        #expect(run.privacy.metrics == .withheld && run.federation.weightCap == WeightCap(maximumItems: 1))
        #expect(run.privacyOptions == nil)
        for mechanism in [Self.central, Self.local, Self.distributed, Self.ftrl] {
            #expect(try load(mechanism + Self.examples).training.exampleClip == 0.5)
        }
        #expect(try RunConfiguration(canonicalJSON: run.canonicalJSON) == run)
        #expect(try load([]).training.exampleClip == nil)
    }

    @Test(
        "noise on single examples is refused beside what would tell of them, with a remedy",
        arguments: [
            ("privacy.metrics=reported", "told without noise", "remove 'privacy.metrics'"),
            ("federation.weight-cap=9", "how many examples there are", "remove 'federation.weight-cap'"),
            ("federation.selection=data-size", "how many examples a worker has", "another 'federation.selection'"),
            ("federation.strategy=q-fedavg", "tells no training losses", "another strategy"),
            ("federation.personalisation=local-adapter", "one adapter's training", "remove 'federation.pers"),
            ("evaluation.source=workers", "told without noise", "'evaluation.source: coordinator'"),
            ("training.command=[./train]", "the native trainer's", "remove one of the two"),
        ])
    func exampleRefusals(_ override: String, _ reason: String, _ remedy: String) {
        let error = #expect(throws: RunFileError.self) { try load(Self.examples + [override]) }
        let problem = error?.problems.first { $0.message.contains(reason) }
        #expect(problem?.message.contains(remedy) == true, "\(override): \(String(describing: error))")
    }

    @Test("a clip for examples needs noise, and noise a clip")
    func halfOfExamples() {
        for half in Self.examples {
            let error = #expect(throws: RunFileError.self) { try load([half]) }
            #expect(error?.problems.first?.message.contains("needs 'privacy.example-") == true)
        }
    }

    private static let ftrl = [
        "privacy.mechanism=dp-ftrl", "privacy.epsilon=8", "privacy.delta=1e-5", "privacy.clip=0.5",
    ]

    @Test("correlated noise: workers rest until all have had their turn, nothing secret about who takes part")
    func ftrl() throws {
        let run = try load(Self.ftrl + ["federation.workers-per-round=2", "federation.rounds=9"])
        let options = try #require(run.privacyOptions)
        #expect(options.mechanism == .ftrl && options.samplingRate == 1 && options.separation == 4)
        #expect(run.federation.weightCap == WeightCap(maximumItems: 1) && run.privacy.metrics == .withheld)
        #expect(run.federation.deadline == nil)
        // Three participations at most: rounds 1, 5 and 9.
        let step = try SampledGaussian(samplingRate: 1, noiseMultiplier: options.plannedNoiseMultiplier())
        let spent = try PrivacyLossAccountant.epsilon([step: 3], delta: 1e-5)
        #expect(spent <= 8 && spent > 7.99)
        #expect(try RunConfiguration(canonicalJSON: run.canonicalJSON) == run)
    }

    @Test(
        "correlated noise refuses what would break its promise, with key and remedy",
        arguments: [
            ("privacy.separation=5", "nobody would be left to ask", "set it to 3 or less"),
            ("federation.schedule=asynchronous", "how long a worker rests", "'federation.schedule: synchronous'"),
            ("privacy.clipping=adaptive", "belongs to one clip", "set it to fixed"),
            ("federation.aggregation=rolora", "in every other round", "separate, ffa-lora or fed-sb"),
            ("federation.aggregation=flora", "products of single workers' factors", "separate, ffa-lora"),
            ("federation.robust=[median]", "a robust rule forms none", "remove 'federation.robust'"),
            ("privacy.participations=2", "every round counts for every worker", "remove it"),
            ("evaluation.gate=0.1", "decides without noise", "remove 'evaluation.gate'"),
        ])
    func refusedCorrelated(_ override: String, _ reason: String, _ remedy: String) {
        check(Self.ftrl + ["federation.workers-per-round=3"], override, reason, remedy)
    }

    @Test("rest between rounds belongs to correlated noise alone")
    func separationAlone() {
        check(Self.central, "privacy.separation=2", "only with 'privacy.mechanism: dp-ftrl'", "remove it")
    }

    @Test("metrics may be withheld without a mechanism, too")
    func withheld() throws {
        #expect(try load(["privacy.metrics=withheld"]).privacy.metrics == .withheld)
    }

    @Test(
        "central noise refuses what would break its promise, with key and remedy",
        arguments: [
            ("federation.schedule=asynchronous", "takes whoever is quick", "'federation.schedule: synchronous'"),
            ("federation.robust=[median]", "a robust rule forms none", "remove 'federation.robust'"),
            ("federation.over-selection=1.5", "only the quickest", "remove 'federation.over-selection'"),
            ("federation.selection=fair", "the same secret coin", "'federation.selection: uniform'"),
            ("federation.selection=data-size", "the same secret coin", "'federation.selection: uniform'"),
            ("federation.selection=availability", "the same secret coin", "'federation.selection: uniform'"),
            ("federation.minimum-workers=2", "however few updates", "remove 'federation.minimum-workers'"),
            ("federation.weight-cap=none", "would tell that size", "remove 'federation.weight-cap'"),
            ("federation.weight-cap=5", "would tell that size", "remove 'federation.weight-cap'"),
            ("federation.strategy=q-fedavg", "asks workers for more", "fedavg, fedprox"),
            ("federation.strategy=fednova", "asks workers for more", "fedavg, fedprox"),
            ("federation.aggregation=flora", "products of single workers' factors", "separate, ffa-lora"),
            ("federation.aggregation=fedex-lora", "products of single workers' factors", "separate, ffa-lora"),
            ("federation.aggregation=hetlora", "products of single workers' factors", "separate, ffa-lora"),
            ("federation.aggregation=flexlora", "products of single workers' factors", "separate, ffa-lora"),
            ("privacy.metrics=reported", "published without noise", "remove 'privacy.metrics'"),
            ("evaluation.source=workers", "measure on their own text", "'evaluation.source: coordinator'"),
            ("evaluation.gate=0.1", "decides without noise", "remove 'evaluation.gate'"),
            ("privacy.participations=2", "every round counts for every worker", "remove it"),
            ("privacy.clip-quantile=0.4", "only with 'privacy.clipping: adaptive'", "remove the key"),
            ("privacy.delta=0.2", "one worker of 9 outright", "set it below"),
        ])
    func refused(_ override: String, _ reason: String, _ remedy: String) {
        check(Self.central.filter { !$0.hasPrefix(override.prefix { $0 != "=" }) }, override, reason, remedy)
    }

    @Test(
        "local noise refuses what would break its promise, with key and remedy",
        arguments: [
            ("federation.schedule=asynchronous", "by rounds", "'federation.schedule: synchronous'"),
            ("privacy.metrics=reported", "published without noise", "remove 'privacy.metrics'"),
            ("evaluation.source=workers", "measure on their own text", "'evaluation.source: coordinator'"),
            ("privacy.clipping=adaptive", "a count over all workers", "set it to fixed"),
            ("federation.strategy=q-fedavg", "asks workers for more", "fedavg, fedprox"),
        ])
    func refusedLocally(_ override: String, _ reason: String, _ remedy: String) {
        check(Self.local, override, reason, remedy)
    }

    private func check(_ base: [String], _ override: String, _ reason: String, _ remedy: String) {
        let error = #expect(throws: RunFileError.self) {
            try RunConfiguration(yaml: Minimal.yaml, overrides: base + [override])
        }
        let problem = error?.problems.first { $0.message.contains(reason) }
        #expect(problem != nil, "\(String(describing: error))")
        #expect(problem?.location == "--set \(override)" && problem?.message.contains(remedy) == true)
    }

    @Test("error feedback goes with central noise, where every update is clipped again after decoding, not with local")
    func errorFeedback() throws {
        let codec = ["compression.uplink=ternary:density=0.1", "compression.error-feedback=true"]
        #expect(try load(Self.central + codec).compression.errorFeedback)
        let error = #expect(throws: RunFileError.self) { try load(Self.local + codec) }
        #expect(error?.description.contains("error feedback is not supported with 'privacy.mechanism: local'") == true)
    }

    @Test(
        "asks for what a promise needs",
        arguments: [
            ("privacy.epsilon", "the budget"), ("privacy.delta", "below 1 / workers"),
            ("privacy.clip", "the largest norm"), ("federation.deadline", "close by a deadline alone"),
        ])
    func missing(_ key: String, _ words: String) {
        let error = #expect(throws: RunFileError.self) { try load(Self.central.filter { !$0.hasPrefix(key + "=") }) }
        #expect(error?.problems.count == 1 && error?.description.contains(words) == true)
        #expect(error?.description.contains("'\(key)'") == true)
    }

    @Test("names the line of a file")
    func line() {
        let yaml =
            Minimal.yaml + "  deadline: 1m\n  selection: fair\nprivacy:\n  mechanism: central\n  epsilon: 8\n"
            + "  delta: 1e-5\n  clip: 1\n"
        let error = #expect(throws: RunFileError.self) { try RunConfiguration(yaml: yaml) }
        #expect(error?.description.hasPrefix("run.yaml:6: 'privacy.mechanism: central' gives every worker") == true)
    }

    @Test(
        "keys of a promise are refused without one",
        arguments: [
            "privacy.epsilon=8", "privacy.delta=1e-5", "privacy.clip=1", "privacy.noise-multiplier=1",
            "privacy.participations=3", "privacy.separation=2", "privacy.clip-rate=0.1", "privacy.clip-count-noise=3",
        ])
    func alone(_ override: String) {
        let error = #expect(throws: RunFileError.self) { try load([override]) }
        #expect(error?.description.contains("is used only with differential privacy; set 'privacy.mechanism'") == true)
    }

    @Test("refuses a count whose noise costs more than a round")
    func countNoise() {
        let error = #expect(throws: RunFileError.self) {
            try load(
                Self.central + [
                    "privacy.clipping=adaptive", "privacy.noise-multiplier=4", "privacy.clip-count-noise=1.5",
                ])
        }
        #expect(error?.description.contains("set it above 2.0") == true)
    }

    @Test(
        "refuses values out of range",
        arguments: [
            "privacy.epsilon=0", "privacy.delta=1", "privacy.delta=0", "privacy.delta=9e-11",
            "privacy.noise-multiplier=0.01", "privacy.clip=0", "privacy.clip-quantile=1", "privacy.mechanism=global",
            "privacy.metrics=some",
        ])
    func ranges(_ override: String) {
        let error = #expect(throws: RunFileError.self) { try load([override]) }
        #expect(error?.description.hasPrefix("--set \(override): '") == true)
    }
}
