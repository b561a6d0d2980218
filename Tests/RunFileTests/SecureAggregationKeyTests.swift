import Federation
import RunFile
import SecureAggregation
import Testing

@Suite("A run file's secure aggregation")
struct SecureAggregationKeyTests {
    private static let on = [
        "privacy.secure-aggregation=true", "privacy.mask-clip=0.5", "federation.weight-cap=100",
    ]

    private func load(_ overrides: [String]) throws -> RunConfiguration {
        try RunConfiguration(yaml: Minimal.yaml, overrides: overrides)
    }

    @Test("is off unless told to, and brings its numbers then")
    func defaults() throws {
        #expect(try load([]).maskingOptions == nil)
        let run = try load(Self.on)
        let options = try #require(run.maskingOptions)
        // Nine workers, half of them rounded up.
        #expect(options.clip == 0.5 && options.levels == 127 && options.weightLimit == 100)
        #expect(options.minimumCohort == 5 && options.stepSeconds == 60)
        #expect(options.assumptions == MaskingAssumptions(corruptFraction: 0.1, dropoutFraction: 0.1))
        #expect(run.privacy.metrics == .withheld)
        #expect(try RunConfiguration(canonicalJSON: run.canonicalJSON) == run)
        #expect(try load(Self.on + ["federation.minimum-workers=1"]).maskingOptions?.minimumCohort == 3)
    }

    @Test("goes with local noise, linear aggregation, a gate and a compressed downlink")
    func composes() throws {
        let local = [
            "privacy.mechanism=local", "privacy.epsilon=8", "privacy.delta=1e-5", "privacy.clip=0.5",
            "privacy.secure-aggregation=true", "privacy.mask-clip=0.5",
        ]
        #expect(try load(local).maskingOptions?.weightLimit == 1)
        for aggregation in ["separate", "ffa-lora", "rolora", "fed-sb"] {
            #expect(try load(Self.on + ["federation.aggregation=\(aggregation)"]).maskingOptions != nil)
        }
        for strategy in ["fedavg", "fedprox", "fedavgm", "fedadam", "fedyogi", "fedadagrad", "diloco"] {
            #expect(try load(Self.on + ["federation.strategy=\(strategy)"]).maskingOptions != nil)
        }
        #expect(try load(Self.on + ["evaluation.gate=0.1", "evaluation.every=1"]).maskingOptions != nil)
        #expect(try load(Self.on + ["compression.downlink=eden:bits=4"]).maskingOptions != nil)
    }

    @Test(
        "refuses what cannot be summed under masks, with key and remedy",
        arguments: [
            ("federation.aggregation=flora", "products of single workers' factors", "separate, ffa-lora"),
            ("federation.aggregation=fedex-lora", "products of single workers' factors", "separate, ffa-lora"),
            ("federation.aggregation=hetlora", "products of single workers' factors", "separate, ffa-lora"),
            ("federation.aggregation=flexlora", "products of single workers' factors", "separate, ffa-lora"),
            ("federation.aggregation=fedsa", "keep for themselves", "separate, ffa-lora"),
            ("federation.personalisation=local-adapter", "keep for themselves", "remove 'federation.personalisation'"),
            ("federation.robust=[median]", "a robust rule compares single ones", "remove 'federation.robust'"),
            ("federation.schedule=asynchronous", "one cohort", "'federation.schedule: synchronous'"),
            ("federation.over-selection=1.5", "discards the slow", "remove 'federation.over-selection'"),
            ("federation.selection=data-size", "hides the size", "choose another 'federation.selection'"),
            ("federation.strategy=q-fedavg", "needs more of each worker", "fedavg, fedprox"),
            ("federation.strategy=fednova", "needs more of each worker", "fedavg, fedprox"),
            ("federation.strategy=scaffold", "needs more of each worker", "fedavg, fedprox"),
            ("compression.uplink=eden:bits=4", "cannot be summed", "remove 'compression.uplink'"),
            ("compression.uplink=bfloat16", "cannot be summed", "remove 'compression.uplink'"),
            ("privacy.metrics=reported", "reported beside them", "remove 'privacy.metrics'"),
            ("evaluation.source=workers", "reported beside them", "'evaluation.source: coordinator'"),
            ("evaluation.source=held-out-workers", "reported beside them", "'evaluation.source: coordinator'"),
            ("federation.weight-cap=none", "needs a largest weight", "to 1 to count all alike"),
            ("federation.weight-cap=3000000000", "in 32 bits", "lower 'federation.weight-cap'"),
            ("federation.weight-cap=1000000000", "at most 32 are possible", "lower the levels"),
            ("privacy.mask-levels=1000000000", "at most 32 are possible", "lower the levels"),
            ("privacy.mask-minimum-cohort=10", "a round asks for 9", "lower the minimum"),
            ("privacy.mask-corrupt=0.9", "no number of neighbours", "'privacy.mask-dropout'"),
            ("privacy.mask-dropout=0.9", "no number of neighbours", "'privacy.mask-corrupt'"),
            ("federation.workers-per-round=2", "a round asks for 2", "raise 'federation.workers-per-round'"),
        ])
    func refused(_ override: String, _ reason: String, _ remedy: String) {
        check(Self.on.filter { !$0.hasPrefix(override.prefix { $0 != "=" }) }, override, reason, remedy)
    }

    @Test("refuses central noise, which clips each update at the coordinator")
    func central() {
        check(
            Self.on.filter { !$0.hasPrefix("federation.weight-cap") } + [
                "privacy.epsilon=8", "privacy.delta=1e-5", "privacy.clip=0.5", "federation.deadline=1m",
            ], "privacy.mechanism=central", "clips each one", "to distributed, local or none")
    }

    @Test("refuses masks without a clip, and their numbers without masks")
    func incomplete() {
        check(["federation.weight-cap=1"], "privacy.secure-aggregation=true", "needs one largest value", "for example")
        for number in [
            "clip=0.5", "levels=9", "minimum-cohort=3", "corrupt=0.2", "dropout=0.2", "step-deadline=5s",
        ] {
            check([], "privacy.mask-\(number)", "only with 'privacy.secure-aggregation: true'", "remove the key")
        }
    }

    private func check(_ base: [String], _ override: String, _ reason: String, _ remedy: String) {
        let error = #expect(throws: RunFileError.self) {
            try RunConfiguration(yaml: Minimal.yaml, overrides: base + [override])
        }
        let problem = error?.problems.first { $0.message.contains(reason) }
        #expect(problem != nil, "\(override): \(String(describing: error))")
        #expect(
            problem?.location == "--set \(override)" && problem?.message.contains(remedy) == true,
            "\(String(describing: problem))")
    }
}
