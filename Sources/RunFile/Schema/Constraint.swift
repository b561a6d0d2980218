internal import Federation
import Recipe

/// A condition between keys; each alone may be right.
struct Constraint: Sendable {
    /// The keys involved; the first that the file or an override sets is where the problem is reported.
    let keys: [String]
    /// What is wrong and the remedy; `nil` if nothing is.
    let problem: @Sendable (RunConfiguration) -> String?

    static let all =
        adapter + participation + compression + evaluation + gate + training + task + strategy + mixing + personal
        + schedule + robust + privacy + secureAggregation + costs + command

    private static let adapter = [
        // PEFT's DoRA drops inputs of the base product as well; here only the adapter's are dropped.
        Constraint(keys: ["adapter.dropout", "adapter.method"]) { run in
            guard run.adapter.method == .dora, run.adapter.dropout > 0 else { return nil }
            return "'adapter.dropout' is not supported with 'adapter.method: dora'; remove it or set "
                + "'adapter.method: lora'"
        }
    ]

    private static let participation = [
        Constraint(
            keys: [
                "federation.workers-per-round", "federation.workers", "evaluation.held-out-workers",
                "evaluation.source",
            ]
        ) { run in
            let training = run.federation.workers - RunSchema.heldOut(run)
            guard training > 0 else {
                return "no worker is left to train: 'evaluation.held-out-workers' takes all \(run.federation.workers); "
                    + "lower it or raise 'federation.workers'"
            }
            guard run.federation.workersPerRound > training else { return nil }
            let heldOut = RunSchema.heldOut(run)
            let reason = heldOut > 0 ? "\(run.federation.workers) workers less \(heldOut) held out" : "\(training)"
            return "'federation.workers-per-round' is \(run.federation.workersPerRound), but only \(reason) can train; "
                + "lower it or raise 'federation.workers'"
        },
        Constraint(keys: ["federation.minimum-workers", "federation.workers-per-round"]) { run in
            guard run.federation.minimumWorkers > run.federation.workersPerRound else { return nil }
            return "'federation.minimum-workers' is \(run.federation.minimumWorkers), but a round asks only "
                + "\(run.federation.workersPerRound) workers ('federation.workers-per-round'); lower the minimum"
        },
        Constraint(keys: ["limits.lease", "limits.heartbeat"]) { run in
            guard run.limits.lease < run.limits.heartbeat * 2 else { return nil }
            return "'limits.lease' (\(DurationText.write(run.limits.lease))) must be at least twice 'limits.heartbeat' "
                + "(\(DurationText.write(run.limits.heartbeat))), or one lost heartbeat ends a task"
        },
    ]

    private static let compression = [
        Constraint(keys: ["compression.error-feedback", "compression.uplink"]) { run in
            guard run.compression.errorFeedback, RunSchema.isUnbiased(run.compression.uplink) else { return nil }
            return "'compression.error-feedback' needs a biased codec, and \(run.compression.uplink) is unbiased: its "
                + "errors cancel by themselves; remove the key or choose ternary or topk"
        },
        Constraint(keys: ["compression.residual-decay", "compression.error-feedback", "compression.uplink"]) { run in
            guard run.compression.residualDecay != nil, !run.compression.errorFeedback else { return nil }
            return "'compression.residual-decay' is used only with error feedback; remove it, or choose a biased codec "
                + "(ternary, topk) for 'compression.uplink'"
        },
        // A change belongs to one vector that all workers hold; only methods that mix factors take several ranks.
        Constraint(keys: ["compression.downlink", "federation.aggregation"]) { run in
            guard run.compression.downlink != .dense, run.federation.aggregation.mixesFactors else { return nil }
            let linear = FactorAggregation.allCases.filter { !$0.mixesFactors }.map(\.rawValue)
            return "'compression.downlink: \(run.compression.downlink)' is not supported with 'federation.aggregation: "
                + "\(run.federation.aggregation.rawValue)', which makes every factor anew; set 'compression.downlink: "
                + "dense', or the aggregation to \(linear.joined(separator: ", "))"
        },
        Constraint(keys: ["compression.downlink", "federation.strategy"]) { run in
            guard run.compression.downlink != .dense, run.federation.strategy == .scaffold else { return nil }
            return "'compression.downlink: \(run.compression.downlink)' is not supported with 'federation.strategy: "
                + "scaffold', whose control variate travels whole; set 'compression.downlink: dense'"
        },
    ]

    private static let evaluation = [
        Constraint(keys: ["evaluation.held-out-workers", "evaluation.source"]) { run in
            switch (run.evaluation.source, run.evaluation.heldOutWorkers) {
            case (.heldOutWorkers, 0):
                "'evaluation.source: held-out-workers' needs 'evaluation.held-out-workers' of at least 1"
            case (.coordinator, 1...), (.workers, 1...), (.nobody, 1...):
                "'evaluation.held-out-workers' is used only with 'evaluation.source: held-out-workers'; set that source "
                    + "or remove the key"
            default: nil
            }
        },
        Constraint(
            keys: [
                "evaluation.minimum-cohort", "evaluation.held-out-workers", "evaluation.source", "federation.workers",
            ]
        ) { run in
            let reporting: Int
            switch run.evaluation.source {
            case .coordinator, .nobody: return nil
            case .workers: reporting = run.federation.workers
            case .heldOutWorkers: reporting = run.evaluation.heldOutWorkers
            }
            guard reporting > 0, run.evaluation.minimumCohort > reporting else { return nil }
            return
                "'evaluation.minimum-cohort' is \(run.evaluation.minimumCohort), but only \(reporting) workers report, "
                + "so no loss would ever be published; have more of them report or lower the cohort"
        },
    ]

    private static let gate = [
        Constraint(keys: ["evaluation.gate", "evaluation.source"]) { run in
            guard run.evaluation.gate != nil, run.evaluation.source != .coordinator else { return nil }
            return "'evaluation.gate' judges a round before workers see it, on text of the coordinator's; set "
                + "'evaluation.source: coordinator' or 'evaluation.gate: none'"
        },
        Constraint(keys: ["evaluation.gate", "evaluation.every"]) { run in
            guard run.evaluation.gate != nil, run.evaluation.every != 1 else { return nil }
            return "'evaluation.gate' needs the loss of every round; set 'evaluation.every: 1' or "
                + "'evaluation.gate: none'"
        },
    ]

    private static let training = [
        Constraint(keys: ["training.warmup-steps", "training.local-steps", "federation.rounds"]) { run in
            let total = run.federation.rounds * run.training.localSteps
            guard run.training.warmupSteps > 0, run.training.warmupSteps >= total else { return nil }
            return "'training.warmup-steps' is \(run.training.warmupSteps), but the run has only \(total) steps "
                + "(rounds × local steps); lower it"
        },
        Constraint(keys: ["training.momentum", "training.optimizer"]) { run in
            guard run.training.momentum > 0, run.training.optimizer != .sgd else { return nil }
            return "'training.momentum' is SGD's; remove it or set 'training.optimizer: sgd' (AdamW has 'beta1')"
        },
    ]

    private static let task = [
        Constraint(keys: ["data.labels", "task"]) { run in
            switch (run.task, run.data.labels.count) {
            case (.classification, 0...1): "'task: classification' needs at least two 'data.labels', in class order"
            case (.causalLM, 1...): "'data.labels' is used only with 'task: classification'; remove it"
            default: nil
            }
        },
        Constraint(keys: ["training.balance-classes", "task"]) { run in
            guard run.training.balancesClasses, run.task != .classification else { return nil }
            return "'training.balance-classes' is used only with 'task: classification'; remove it"
        },
        Constraint(keys: ["task", "model"]) { run in
            guard run.task == .classification, run.model == .builtIn else { return nil }
            return "'task: classification' needs an encoder (bert, distilbert, mobilebert); the built-in model is none"
        },
    ]
}
