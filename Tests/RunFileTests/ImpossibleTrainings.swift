/// Refusals of what a worker cannot train, a strategy not use and an aggregation not mix.
extension Refusal {
    static let trainings: [Refusal] = adapters + cohorts + codecs + evaluations + tasks + strategies + mixtures + own

    private static let adapters: [Refusal] = [
        Refusal(["adapter.dropout=0.1", "adapter.method=dora"], "remove it or set 'adapter.method: lora'")
    ]

    private static let cohorts: [Refusal] = [
        Refusal(["federation.workers-per-round=10"], "lower it or raise 'federation.workers'"),
        Refusal(
            ["evaluation.source=held-out-workers", "evaluation.held-out-workers=9"], at: "federation.workers",
            "lower it or raise 'federation.workers'"),
        Refusal(["federation.minimum-workers=5", "federation.workers-per-round=4"], "lower the minimum"),
        Refusal(["limits.heartbeat=20s"], "must be at least twice 'limits.heartbeat'"),
        Refusal(["limits.lease=3s"], "must be at least twice 'limits.heartbeat'"),
    ]

    private static let codecs: [Refusal] =
        [
            Refusal(["compression.error-feedback=true"], "remove the key or choose ternary or topk"),
            Refusal(["compression.residual-decay=0.5"], "remove it, or choose a biased codec"),
            Refusal(
                ["compression.residual-decay=0.5", "compression.error-feedback=false", ternary],
                "remove it, or choose a biased codec"),
            Refusal(["compression.downlink=int8"] + scaffold, "set 'compression.downlink: dense'"),
        ]
        + each(
            "federation.aggregation", of: mixers, with: ["compression.downlink=int8"], at: "compression.downlink",
            "set 'compression.downlink: dense', or the aggregation to separate, ffa-lora, rolora, fedsa, fed-sb")

    private static let evaluations: [Refusal] = [
        Refusal(["evaluation.source=held-out-workers"], "needs 'evaluation.held-out-workers' of at least 1"),
        Refusal(["evaluation.held-out-workers=2"], "set that source or remove the key"),
        Refusal(["evaluation.held-out-workers=2", "evaluation.source=workers"], "set that source or remove the key"),
        Refusal(["evaluation.minimum-cohort=10", "evaluation.source=workers"], "or lower the cohort"),
        Refusal(["evaluation.held-out-workers=2", "evaluation.source=held-out-workers"], "or lower the cohort"),
        Refusal(["evaluation.held-out-workers=2", "evaluation.source=none"], "set that source or remove the key"),
        Refusal(["evaluation.gate=0.1", "evaluation.source=workers"], "or 'evaluation.gate: none'"),
        Refusal(["evaluation.gate=0.1", "evaluation.source=none"], "or 'evaluation.gate: none'"),
        Refusal(["evaluation.gate=0.1", "evaluation.every=2"], "set 'evaluation.every: 1'"),
        Refusal(["training.warmup-steps=30"], "lower it"),
        Refusal(["training.momentum=0.5"], "remove it or set 'training.optimizer: sgd'"),
    ]

    private static let tasks: [Refusal] = [
        Refusal(["task=classification"], "needs at least two 'data.labels'"),
        Refusal(["data.labels=[a, b]"], "remove it"),
        Refusal(["training.balance-classes=true"], "remove it"),
        Refusal(["task=classification", "model=built-in", "data.labels=[a, b]"], "needs an encoder"),
    ]

    private static let strategies: [Refusal] = [
        Refusal(["federation.server-learning-rate=1"], "remove it, or set 'federation.strategy' to fedavgm"),
        Refusal(["federation.server-momentum=0.5", "federation.strategy=fedadam"], "to fedavgm, diloco"),
        Refusal(["federation.beta1=0.5", "federation.strategy=diloco"], "to fedadam, fedyogi, fedadagrad"),
        Refusal(["federation.beta2=0.5", "federation.strategy=fedadagrad"], "to fedadam, fedyogi"),
        Refusal(["federation.tau=0.1"], "to fedadam, fedyogi, fedadagrad"),
        Refusal(["federation.q=1", "federation.strategy=fedprox"], "to q-fedavg"),
        Refusal(["federation.lipschitz=1", "federation.strategy=fednova"], "to q-fedavg"),
        Refusal(["federation.weight-cap=5", "federation.strategy=q-fedavg"], "remove it"),
        Refusal(["training.proximal=1", "training.local-steps=1"], "raise it, or remove the term"),
        Refusal(["federation.strategy=fedprox", "training.local-steps=1"], "raise it, or remove the term"),
    ]

    private static func mixtures(with strategy: String) -> [Refusal] {
        each(
            "federation.aggregation", of: mixers, with: ["federation.strategy=\(strategy)"],
            "set the strategy to fedavg or fedprox, or the aggregation to separate")
    }

    private static let mixtures: [Refusal] =
        each(
            "federation.aggregation", of: ["separate", "ffa-lora", "rolora", "fedex-lora", "fed-sb"],
            with: ["adapter.rank=[4, 8]"], at: "adapter.rank",
            "set the aggregation to hetlora, flexlora, flora, or the rank to one number") + [
            Refusal(["adapter.rank=auto"], "or the rank to one number"),
            Refusal(["adapter.rank=auto"] + fedSA, "or the rank to one number"),
            Refusal(["adapter.minimum-rank=4"], "remove it or set that"),
            Refusal(["adapter.maximum-rank=4"], "remove it or set that"),
            Refusal(
                [
                    "adapter.minimum-rank=5", "adapter.maximum-rank=4", "adapter.rank=auto",
                    "federation.aggregation=flora",
                ], "lower it"),
            Refusal(["federation.weight-cap=9", "federation.aggregation=hetlora"], "remove it"),
        ]
        + each(
            "federation.aggregation", of: mixers, with: ["adapter.method=dora"],
            "set 'adapter.method: lora', or the aggregation to separate")
        + ["fedavgm", "fedadam", "fedyogi", "fedadagrad", "diloco", "fednova", "q-fedavg"].flatMap(mixtures(with:))
        + each(
            "federation.aggregation", of: ["flexlora", "flora"], with: [ternary], at: "compression.uplink",
            "set 'compression.error-feedback: false' or choose another codec")
        + each(
            "federation.aggregation", of: ["separate", "ffa-lora", "rolora", "hetlora", "flexlora", "fed-sb"],
            with: ["federation.residual-rank=9"], at: "federation.residual-rank", "remove it or set one of them")
        + each(
            "federation.aggregation", of: ["fedex-lora", "flora"], with: ["adapter.dropout=0.1"], at: "adapter.dropout",
            "remove it or choose another aggregation")

    private static let own: [Refusal] =
        [
            Refusal(["federation.strategy=scaffold"], "set 'training.optimizer: sgd'"),
            Refusal(["training.momentum=0.5"] + scaffold, "remove 'training.momentum'"),
            Refusal(["training.proximal=0.1"] + scaffold, "remove 'training.proximal'"),
            Refusal(["federation.weight-cap=5"] + scaffold, "remove 'federation.weight-cap'"),
            Refusal(["federation.aggregation=rolora"] + scaffold, "to separate, ffa-lora or fed-sb"),
            Refusal(fedSA + scaffold, "to separate, ffa-lora or fed-sb"),
            Refusal([ternary] + scaffold, "or 'compression.error-feedback: false'"),
            Refusal(["federation.aggregation=fedsa"], "set 'evaluation.source: workers'"),
            Refusal(["federation.personalisation=local-adapter"], "set 'evaluation.source: workers'"),
            Refusal(["adapter.method=dora"] + fedSA, "set 'adapter.method: lora'"),
            Refusal(["adapter.method=dora"] + local, "set 'adapter.method: lora'"),
            Refusal(["adapter.method=dora", "federation.aggregation=fed-sb"], "set 'adapter.method: lora'"),
            Refusal(
                ["federation.personalisation=local-adapter"] + fedSA,
                "remove 'federation.personalisation' or set 'federation.aggregation: separate'"),
            Refusal(["adapter.from=a", "federation.aggregation=fed-sb"], "remove 'adapter.from'"),
            Refusal(
                local + ["federation.aggregation=fed-sb"],
                "remove 'federation.personalisation' or set 'federation.aggregation: separate'"),
        ]
        + each(
            "federation.aggregation", of: mixers, with: local, at: "federation.personalisation",
            "remove 'federation.personalisation' or set 'federation.aggregation: separate'")
        + each("federation.aggregation", of: mixers, with: scaffold, "to separate, ffa-lora or fed-sb", others: 1)
}
