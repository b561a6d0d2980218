/// Refusals of what differential privacy and secure aggregation do not go with.
extension Refusal {
    static let promises: [Refusal] =
        budgets + clips + samples + sums + told + masks + cohorts + shared + examples

    private static let budgets: [Refusal] =
        [
            "epsilon=8", "delta=1e-5", "clip=1", "noise-multiplier=1", "participations=3", "separation=2",
            "clipping=adaptive", "clipping=fixed", "clip-quantile=0.4", "clip-rate=0.1", "clip-count-noise=3",
        ].map {
            Refusal(
                ["privacy.\($0)"], "set 'privacy.mechanism' to central, dp-ftrl, local or distributed, or remove it")
        }
        + [
            Refusal(correlated.filter { !$0.contains("epsilon") }, "needs 'privacy.epsilon'"),
            Refusal(correlated.filter { !$0.contains("delta") }, "needs 'privacy.delta'"),
            Refusal(correlated.filter { !$0.contains("clip") }, "needs 'privacy.clip'"),
            Refusal(correlated + ["privacy.delta=0.2"], at: "privacy.delta", "set it below 0.1"),
            Refusal(["privacy.participations=3"] + central, "remove it"),
            Refusal(["privacy.participations=3"] + correlated, "remove it"),
            Refusal(["privacy.separation=1"] + central, "remove it"),
            Refusal(["privacy.separation=1"] + noisy, "remove it"),
            Refusal(["privacy.separation=2"] + correlated, "set it to 1 or less"),
        ]

    private static let clips: [Refusal] = [
        Refusal(["privacy.clipping=adaptive"] + noisy, "set it to fixed"),
        Refusal(["privacy.clipping=adaptive"] + correlated, "set it to fixed"),
        Refusal(["privacy.clip-quantile=0.4"] + central, "set that or remove the key"),
        Refusal(["privacy.clip-rate=0.4"] + central, "set that or remove the key"),
        Refusal(["privacy.clip-count-noise=3"] + central, "set that or remove the key"),
        Refusal(
            ["privacy.clip-count-noise=1.5", "privacy.clipping=adaptive", "privacy.noise-multiplier=4"] + central,
            "set it above 2.0"),
    ]

    private static let samples: [Refusal] = [
        Refusal(central.filter { !$0.contains("deadline") }, "set 'federation.deadline'"),
        Refusal([asynchronous] + central, "set 'federation.schedule: synchronous'", others: 1),
        Refusal(
            ["federation.over-selection=1.3", "federation.workers-per-round=5"] + central,
            "remove 'federation.over-selection'"),
        Refusal(["federation.selection=fair"] + central, "set 'federation.selection: uniform'"),
        Refusal(["federation.selection=data-size"] + central, "set 'federation.selection: uniform'"),
        Refusal(["federation.minimum-workers=3"] + central, "remove 'federation.minimum-workers'"),
    ]

    private static let promised: [[String]] = [central, correlated, noisy]

    private static func weighed(_ promise: [String]) -> [Refusal] {
        let strategies = each(
            "federation.strategy", of: ["fednova", "q-fedavg"], with: promise, "choose fedavg, fedprox")
        return strategies + [
            Refusal(scaffold + promise, "choose fedavg, fedprox"),
            Refusal(["federation.weight-cap=5"] + promise, "remove 'federation.weight-cap'"),
        ]
    }

    private static func mixed(_ promise: [String]) -> [Refusal] {
        each("federation.aggregation", of: mixers, with: promise, "to separate, ffa-lora, rolora or fed-sb")
    }

    private static let sums: [Refusal] =
        promised.flatMap(weighed) + mixed(central) + mixed(correlated) + [
            Refusal(["federation.aggregation=rolora"] + correlated, "to separate, ffa-lora or fed-sb"),
            Refusal(["federation.robust=[median]"] + correlated, "remove 'federation.robust'"),
            Refusal([asynchronous] + correlated, "set 'federation.schedule: synchronous'"),
            Refusal([asynchronous] + noisy, "set 'federation.schedule: synchronous'"),
            Refusal(
                ["compression.error-feedback=true", ternary] + noisy,
                "set 'compression.error-feedback: false' or an unbiased codec"),
        ]

    private static func exposed(_ promise: [String]) -> [Refusal] {
        [
            Refusal(["privacy.metrics=reported"] + promise, "remove 'privacy.metrics'"),
            Refusal(["evaluation.source=workers"] + promise, "set 'evaluation.source: coordinator'"),
            Refusal(["evaluation.gate=0.1"] + promise, "remove 'evaluation.gate'"),
        ]
    }

    private static let told: [Refusal] =
        promised.flatMap(exposed) + [
            Refusal(
                ["privacy.metrics=withheld", "federation.strategy=q-fedavg"],
                "set 'privacy.metrics: reported' or another"),
            Refusal(
                ["federation.selection=data-size", "privacy.metrics=withheld"], "choose another 'federation.selection'"),
            Refusal(["federation.selection=data-size"] + correlated, "choose another 'federation.selection'"),
            Refusal(
                ["training.local-epochs=1", "privacy.metrics=withheld"],
                "with 'privacy.metrics: withheld' workers keep that size to themselves; remove 'training.local-epochs', "
                    + "or set 'privacy.metrics: reported'"),
            Refusal(
                ["training.local-epochs=1"] + masked,
                "with 'privacy.secure-aggregation' workers keep that size to themselves; remove 'training.local-epochs'"
            ),
        ]
        + [central, correlated, noisy, sharing].map {
            Refusal(["training.local-epochs=0.5"] + $0, "to themselves; remove 'training.local-epochs'")
        }

    private static let masks: [Refusal] =
        ["clip=0.5", "levels=9", "minimum-cohort=3", "corrupt=0.2", "dropout=0.2", "step-deadline=5s"].map {
            Refusal(["privacy.mask-\($0)"], "set that or remove the key")
        }
        + each(
            "federation.aggregation", of: mixers, with: masked, "to separate, ffa-lora, rolora or fed-sb")
        + each("federation.strategy", of: ["fednova", "q-fedavg"], with: masked, "choose fedavg, fedprox")
        + [
            Refusal(unclipped, "set 'privacy.mask-clip'"),
            Refusal(masked.filter { $0 != capped }, "to 1 to count all alike"),
            Refusal(
                ["federation.weight-cap=3000000000"] + masked.filter { $0 != capped }, "lower 'federation.weight-cap'"),
            Refusal(fedSA + masked, "to separate, ffa-lora, rolora or fed-sb", others: 1),
            Refusal(local + masked, "remove 'federation.personalisation'", others: 1),
            Refusal(["federation.robust=[median]"] + masked, "remove 'federation.robust'"),
            Refusal(scaffold + masked, "choose fedavg, fedprox"),
            Refusal(
                ["adapter.rank=[4, 8]", "federation.aggregation=flora"] + masked, "the same 'adapter.rank'", others: 1),
            Refusal(["compression.uplink=eden:bits=4"] + masked, "remove 'compression.uplink'"),
            Refusal(central + masked.filter { $0 != capped }, "to distributed, local or none"),
            Refusal(correlated + masked.filter { $0 != capped }, "to distributed, local or none"),
        ]

    private static let shared: [Refusal] = [
        Refusal(distributed, "set 'privacy.secure-aggregation: true'"),
        Refusal(["privacy.mask-minimum-cohort=3", "privacy.mask-corrupt=0.4"] + sharing, "raise the minimum above 4"),
        Refusal(["privacy.clipping=adaptive"] + sharing, "set it to fixed"),
        Refusal(["privacy.separation=2"] + sharing, "remove it"),
        Refusal(["federation.weight-cap=5"] + sharing, "remove 'federation.weight-cap'"),
        Refusal(["federation.strategy=fednova"] + sharing, "choose fedavg, fedprox", others: 1),
        Refusal(["privacy.metrics=reported"] + sharing, "remove 'privacy.metrics'", others: 1),
    ]

    private static let examples: [Refusal] = [
        Refusal(["privacy.example-clip=1"], "add it, or remove the key"),
        Refusal(["privacy.example-noise-multiplier=1"], "add it, or remove the key"),
        Refusal(["privacy.metrics=reported"] + exampleNoise, "remove 'privacy.metrics'"),
        Refusal(["federation.weight-cap=5"] + exampleNoise, "remove 'federation.weight-cap'"),
        Refusal(["federation.selection=data-size"] + exampleNoise, "choose another 'federation.selection'"),
        Refusal(["federation.strategy=q-fedavg"] + exampleNoise, "choose another strategy"),
        Refusal(["training.local-epochs=1"] + exampleNoise, "with 'privacy.example-clip' workers keep that size"),
        Refusal(local + exampleNoise, "remove 'federation.personalisation'", others: 1),
        Refusal(["evaluation.source=workers"] + exampleNoise, "set 'evaluation.source: coordinator'"),
        Refusal(
            ["training.balance-classes=true", "task=classification", "data.labels=[a, b]"] + exampleNoise,
            "set 'training.balance-classes: false'"),
        Refusal(["training.command=[python3, t.py]"] + exampleNoise, "remove one of the two"),
    ]

    private static let cohorts: [Refusal] = [
        Refusal([asynchronous] + masked, "set 'federation.schedule: synchronous'"),
        Refusal(
            ["federation.over-selection=1.3", "federation.workers-per-round=5"] + masked,
            "remove 'federation.over-selection'"),
        Refusal(["privacy.mask-minimum-cohort=10"] + masked, "or lower the minimum"),
        Refusal(["privacy.mask-levels=1000000000"] + masked, "lower the levels"),
        Refusal(["privacy.mask-corrupt=0.9"] + masked, "'federation.workers-per-round'"),
        Refusal(["privacy.metrics=reported"] + masked, "remove 'privacy.metrics'"),
        Refusal(["evaluation.source=workers"] + masked, "set 'evaluation.source: coordinator'"),
        Refusal(["federation.selection=data-size"] + masked, "choose another 'federation.selection'"),
    ]
}
