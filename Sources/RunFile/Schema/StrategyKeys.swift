import Federation
import Recipe

extension RunSchema {
    /// The numbers of a strategy, and what they are where the file says nothing. A strategy takes no other of them.
    static let strategyKeys = [
        key(
            "server-learning-rate", .positive, at: \.federation.strategyOptions.learningRate,
            "Factor on the server optimiser's step.",
            default: "1 for fedavgm and scaffold, 0.7 for diloco, 0.01 for fedadam, fedyogi and fedadagrad"
        ) { run in
            switch run.federation.strategy {
            case .fedavgm, .scaffold: 1
            case .diloco: 0.7
            case .fedadam, .fedyogi, .fedadagrad: 0.01
            default: nil
            }
        },
        key(
            "server-momentum", .fraction, at: \.federation.strategyOptions.momentum,
            "How much of the last rounds' updates goes on, with fedavgm and diloco.",
            default: "0.5 for fedavgm, 0.9 for diloco"
        ) { run in
            switch run.federation.strategy {
            case .fedavgm: 0.5  // The paper's 0.9 overshoots within the few rounds of a fine-tuning run.
            case .diloco: 0.9
            default: nil
            }
        },
        key(
            "beta1", .fraction, at: \.federation.strategyOptions.beta1,
            "Decay of the mean update, with fedadam, fedyogi and fedadagrad.", default: "0.9"
        ) { [.fedadam, .fedyogi, .fedadagrad].contains($0.federation.strategy) ? 0.9 : nil },
        key(
            "beta2", .fraction, at: \.federation.strategyOptions.beta2,
            "Decay of the mean squared update, with fedadam and fedyogi.", default: "0.99"
        ) { [.fedadam, .fedyogi].contains($0.federation.strategy) ? 0.99 : nil },
        key(
            "tau", .positive, at: \.federation.strategyOptions.tau,
            "Added to the denominator, with fedadam, fedyogi and fedadagrad: the smaller, the more adaptive.",
            default: "0.001"
        ) { [.fedadam, .fedyogi, .fedadagrad].contains($0.federation.strategy) ? 1e-3 : nil },
        key(
            "q", NumberRange(minimum: 0, below: 20), at: \.federation.strategyOptions.q,
            "How much more a worker with a larger loss counts, with q-fedavg; 0 counts all workers alike.",
            default: "0.2"
        ) { $0.federation.strategy == .qfedavg ? 0.2 : nil },
        key(
            "lipschitz", .positive, at: \.federation.strategyOptions.lipschitz,
            "How fast a worker's gradient is taken to change, with q-fedavg: the larger, the smaller the steps.",
            default: "1 / training.learning-rate with sgd, else 1, as AdamW's rate is no step length"
        ) { run in
            guard run.federation.strategy == .qfedavg else { return nil }
            return run.training.optimizer == .sgd ? 1 / run.training.learningRate : 1
        },
    ]

    private static func key(
        _ name: String, _ range: NumberRange, at place: any WritableKeyPath<RunConfiguration, Double?> & Sendable,
        _ summary: String, default words: String, _ compute: @escaping @Sendable (RunConfiguration) -> Double?
    ) -> SchemaKey {
        SchemaKey(
            "federation.\(name)", .number(range), orWord: nil,
            .derived(words) { compute($0).map(SettingValue.number) }, at: place, summary)
    }
}

extension Strategy {
    /// Which strategies use a number of ``RunSchema/strategyKeys``.
    static func users(of key: SchemaKey, in run: RunConfiguration) -> [Strategy] {
        guard case .derived(_, let compute) = key.fallback else { return [] }
        return allCases.filter { strategy in
            var other = run
            other.federation.strategy = strategy
            return compute(other) != nil
        }
    }
}

extension Constraint {
    /// A number that the strategy has no use for is a misunderstanding.
    static let strategy =
        RunSchema.strategyKeys.map { key in
            Constraint(keys: [key.path, "federation.strategy"]) { run in
                let users = Strategy.users(of: key, in: run)
                guard key.read(run) != nil, !users.contains(run.federation.strategy) else { return nil }
                return "'\(key.path)' is not used by strategy '\(run.federation.strategy.rawValue)'; remove it, or set "
                    + "'federation.strategy' to \(users.map(\.rawValue).joined(separator: ", "))"
            }
        } + [
            Constraint(keys: ["federation.weight-cap", "federation.strategy"]) { run in
                // Privacy, masks and noise on examples set or need a cap, and refuse q-fedavg themselves.
                guard run.federation.strategy == .qfedavg, run.federation.weightCap.maximumItems != nil,
                    run.privacy.mechanism == .none, !run.privacy.secureAggregation.isOn, run.training.exampleClip == nil
                else { return nil }
                return
                    "'federation.weight-cap' is not used by strategy 'q-fedavg', which weighs workers by their loss; "
                    + "remove it"
            },
            Constraint(keys: ["training.proximal", "federation.strategy", "training.local-steps"]) { run in
                guard run.training.proximal != nil, run.training.localSteps == 1 else { return nil }
                return "the proximal term of 'training.proximal' (or strategy 'fedprox') has no gradient at a round's "
                    + "first step, and 'training.local-steps' is 1; raise it, or remove the term"
            },
        ]
}
