internal import Federation
import Recipe
import SecureAggregation

extension Constraint {
    /// What the promise of differential privacy needs, and what would break it.
    static let privacy = promise + clipping + sampling + sums + distributed + exposure + withheld + examples

    private static let promise =
        (RunSchema.promiseKeys + RunSchema.clipKeys).map { key in
            Constraint(keys: [key.path, "privacy.mechanism"]) { run in
                guard run.privacy.mechanism == .none, key.read(run) != nil else { return nil }
                return "'\(key.path)' is used only with differential privacy; set 'privacy.mechanism' to central, "
                    + "dp-ftrl, local or distributed, or remove it"
            }
        } + [
            needed("privacy.epsilon", "the budget, for example 8") { $0.privacy.epsilon == nil },
            needed("privacy.delta", "below 1 / workers, for example 1e-5") { $0.privacy.delta == nil },
            needed("privacy.clip", "the largest norm of an update, for example the median of a run without privacy") {
                $0.privacy.clip == nil
            },
            Constraint(keys: ["privacy.delta", "privacy.mechanism", "federation.workers"]) { run in
                guard run.privacy.mechanism != .none, let delta = run.privacy.delta,
                    delta * Double(run.federation.workers) >= 1
                else { return nil }
                return "'privacy.delta' is \(delta), and publishing one worker of \(run.federation.workers) outright "
                    + "would keep such a promise; set it below \(1 / Double(run.federation.workers))"
            },
            Constraint(keys: ["privacy.participations", "privacy.mechanism"]) { run in
                guard run.privacy.mechanism == .central || run.privacy.mechanism == .ftrl,
                    run.privacy.participations != nil
                else { return nil }
                return "'privacy.participations' is used only with 'privacy.mechanism: local' or 'distributed': under "
                    + "central noise every round counts for every worker; remove it"
            },
            Constraint(keys: ["privacy.separation", "privacy.mechanism"]) { run in
                guard run.privacy.mechanism != .ftrl, run.privacy.mechanism != .none, run.privacy.separation != nil
                else { return nil }
                return "'privacy.separation' is used only with 'privacy.mechanism: dp-ftrl'; remove it"
            },
            Constraint(keys: ["privacy.separation", "federation.workers", "federation.workers-per-round"]) { run in
                let workers = run.federation.workers
                let turns = workers / max(1, run.federation.workersPerRound)
                guard run.privacy.mechanism == .ftrl, let separation = run.privacy.separation, separation > turns
                else { return nil }
                return "'privacy.separation' is \(separation), and \(workers) workers, "
                    + "\(run.federation.workersPerRound) a round, have all had their turn after \(turns) rounds: nobody "
                    + "would be left to ask; set it to \(turns) or less"
            },
        ]

    private static func needed(
        _ key: String, _ what: String, isMissing: @escaping @Sendable (RunConfiguration) -> Bool
    ) -> Constraint {
        Constraint(keys: ["privacy.mechanism", key]) { run in
            guard run.privacy.mechanism != .none, isMissing(run) else { return nil }
            return "'privacy.mechanism: \(run.privacy.mechanism.rawValue)' needs '\(key)' (\(what))"
        }
    }

    private static let clipping = [
        Constraint(keys: ["privacy.clipping", "privacy.mechanism"]) { run in
            guard run.privacy.clipping == .adaptive else { return nil }
            switch run.privacy.mechanism {
            case .local:
                return "'privacy.clipping: adaptive' needs a count over all workers, which 'privacy.mechanism: local' "
                    + "does not take; set it to fixed"
            case .ftrl:
                return "'privacy.clipping: adaptive' changes the clip from round to round, and the noise of "
                    + "'privacy.mechanism: dp-ftrl' belongs to one clip over all of them; set it to fixed"
            case .distributed:
                return "'privacy.clipping: adaptive' needs a count that 'privacy.mechanism: distributed' does not take "
                    + "under its masks; set it to fixed"
            case .none, .central: return nil
            }
        },
        Constraint(keys: ["privacy.clip-quantile", "privacy.clip-rate", "privacy.clip-count-noise", "privacy.clipping"])
        {
            run in
            guard run.privacy.clipping == .fixed else { return nil }
            let keys = RunSchema.clipKeys.filter { $0.path.hasPrefix("privacy.clip-") && $0.read(run) != nil }
            return keys.first.map {
                "'\($0.path)' is used only with 'privacy.clipping: adaptive'; set that or remove the key"
            }
        },
        Constraint(keys: ["privacy.clip-count-noise", "privacy.clipping", "privacy.mechanism"]) { run in
            guard let options = run.privacyOptions, let clip = options.adaptiveClip,
                let noise = try? options.plannedNoiseMultiplier(), clip.updateNoiseMultiplier(total: noise) == nil
            else { return nil }
            return "'privacy.clip-count-noise' is \(clip.countNoise), and the count alone would cost more than a "
                + "whole round with noise multiplier \(noise); set it above \(noise / 2), or 'privacy.clipping: "
                + "fixed'"
        },
    ]

    /// Only chance that nobody can see or steer hides a worker among the others.
    private static let sampling = [
        whenCentral("federation.deadline") { run in
            guard run.federation.deadline == nil else { return nil }
            return "needs rounds that close by a deadline alone: a round that waits for its updates tells who was "
                + "late; set 'federation.deadline'"
        },
        whenCentral("federation.schedule") { run in
            guard run.federation.schedule == .asynchronous else { return nil }
            return "counts rounds of secretly chosen workers, and an asynchronous schedule takes whoever is quick; set "
                + "'federation.schedule: synchronous'"
        },
        whenCentral("federation.over-selection") { run in
            guard run.federation.overSelection > 1 else { return nil }
            return "takes every chosen worker that answers in time, and over-selection only the quickest; remove "
                + "'federation.over-selection' and set 'federation.workers-per-round' to the number wanted on average"
        },
        whenCentral("federation.selection") { run in
            guard run.federation.selection != .uniform else { return nil }
            return "gives every worker the same secret coin; set 'federation.selection: uniform'"
        },
        whenCentral("federation.minimum-workers") { run in
            guard run.federation.minimumWorkers > 1 else { return nil }
            return "closes every round at its deadline, with however few updates: a minimum would tell how many "
                + "there were; remove 'federation.minimum-workers'"
        },
    ]

    private static let sums = [
        whenPrivate("federation.weight-cap") { run in
            guard run.federation.weightCap.maximumItems != 1 else { return nil }
            return "counts all workers alike: weights by the size of their text would tell that size; remove "
                + "'federation.weight-cap'"
        },
        whenPrivate("federation.strategy") { run in
            let usable: [Strategy] = [.fedavg, .fedprox, .fedavgm, .fedadam, .fedyogi, .fedadagrad, .diloco]
            guard !usable.contains(run.federation.strategy) else { return nil }
            return "works on one noisy mean of updates, and '\(run.federation.strategy.rawValue)' asks workers for "
                + "more; "
                + "choose " + usable.map(\.rawValue).joined(separator: ", ")
        },
        whenSummed("federation.aggregation") { run in
            guard run.federation.aggregation.mixesFactors else { return nil }
            return "adds noise to a sum of updates, and '\(run.federation.aggregation.rawValue)' forms products of "
                + "single workers' factors; set 'federation.aggregation' to separate, ffa-lora, rolora or fed-sb"
        },
        Constraint(keys: ["federation.aggregation", "privacy.mechanism"]) { run in
            guard run.privacy.mechanism == .ftrl, run.federation.aggregation == .roLoRA else { return nil }
            return "'privacy.mechanism: dp-ftrl' lets the noise of successive rounds cancel, and 'rolora' trains other "
                + "values in every other round; set 'federation.aggregation' to separate, ffa-lora or fed-sb"
        },
        whenSummed("federation.robust") { run in
            guard run.federation.robust.rules != nil else { return nil }
            return
                "adds noise to a sum whose share of each worker is bounded by its clip, and a robust rule forms none; "
                + "remove 'federation.robust'"
        },
        Constraint(keys: ["federation.schedule", "privacy.mechanism"]) { run in
            guard run.privacy.mechanism == .ftrl, run.federation.schedule == .asynchronous else { return nil }
            return "'privacy.mechanism: dp-ftrl' counts in rounds how long a worker rests; set "
                + "'federation.schedule: synchronous'"
        },
        Constraint(keys: ["federation.schedule", "privacy.mechanism"]) { run in
            guard run.privacy.mechanism == .local, run.federation.schedule == .asynchronous else { return nil }
            return "'privacy.mechanism: local' counts what each worker spends by rounds; set "
                + "'federation.schedule: synchronous'"
        },
        // At the coordinator whatever was decoded is clipped again, so a residual cannot outgrow the clip; local noise is
        // to be the last thing that happens to a worker's update before its codec.
        Constraint(keys: ["compression.error-feedback", "compression.uplink", "privacy.mechanism"]) { run in
            guard run.privacy.mechanism == .local, run.compression.errorFeedback else { return nil }
            return "error feedback is not supported with 'privacy.mechanism: local', whose noise it would send "
                + "again; set 'compression.error-feedback: false' or an unbiased codec (dense, eden) as "
                + "'compression.uplink'"
        },
    ]

    /// Shares of noise add up under masks alone, and protect by what honest workers add.
    private static let distributed = [
        Constraint(keys: ["privacy.mechanism", "privacy.secure-aggregation"]) { run in
            guard run.privacy.mechanism == .distributed, !run.privacy.secureAggregation.isOn else { return nil }
            return "'privacy.mechanism: distributed' gives each update a share of the noise, which protects under "
                + "masks alone; set 'privacy.secure-aggregation: true', or 'privacy.mechanism: local'"
        },
        Constraint(keys: [
            "privacy.mask-minimum-cohort", "privacy.mask-corrupt", "federation.workers-per-round", "privacy.mechanism",
        ]) { run in
            guard run.privacy.mechanism == .distributed, let options = run.maskingOptions else { return nil }
            let corrupt = options.assumptions.corrupt(of: run.federation.workersPerRound)
            guard options.minimumCohort <= corrupt else { return nil }
            return "'privacy.mask-minimum-cohort' is \(options.minimumCohort), and of a round's "
                + "\(run.federation.workersPerRound) workers \(corrupt) may know the noise ('privacy.mask-corrupt'): "
                + "nobody would be left to add any; raise the minimum above \(corrupt)"
        },
    ]

    /// Numbers that would leave the workers beside the noisy updates.
    private static let exposure = [
        whenPrivate("privacy.metrics") { run in
            guard run.privacy.metrics == .reported else { return nil }
            return "covers updates alone, and training losses and sizes would be published without noise; remove "
                + "'privacy.metrics'"
        },
        whenPrivate("evaluation.source") { run in
            guard run.evaluation.source.isOfWorkers else { return nil }
            return "covers updates alone, and losses that workers measure on their own text would be published without "
                + "noise; set 'evaluation.source: coordinator' or 'evaluation.source: none'"
        },
        whenPrivate("evaluation.gate") { run in
            guard run.evaluation.gate != nil else { return nil }
            return "pays for every attempt, and a gate decides without noise what is published; remove "
                + "'evaluation.gate'"
        },
    ]

    private static let withheld = [
        // Privacy, masks and noise on examples refuse it for reasons of their own.
        Constraint(keys: ["privacy.metrics", "federation.strategy"]) { run in
            guard run.privacy.mechanism == .none, !run.privacy.secureAggregation.isOn, run.training.exampleClip == nil,
                run.privacy.metrics == .withheld, run.federation.strategy == .qfedavg
            else { return nil }
            return "strategy 'q-fedavg' weighs workers by their training losses; set 'privacy.metrics: reported' or "
                + "another strategy"
        },
        // Central privacy, masks and noise on examples refuse it for reasons of their own.
        Constraint(keys: ["federation.selection", "privacy.metrics", "privacy.mechanism"]) { run in
            guard run.federation.selection == .dataSize, run.privacy.metrics == .withheld,
                run.privacy.mechanism != .central, !run.privacy.secureAggregation.isOn, run.training.exampleClip == nil
            else { return nil }
            return "'federation.selection: data-size' goes by the size of each worker's text, which workers withhold "
                + "here ('privacy.metrics'); choose another 'federation.selection'"
        },
        // A worker that keeps the size of its text takes all steps (``Worker/LocalTask/steps(items:)``): nobody would do
        // as the key says.
        Constraint(keys: [
            "training.local-epochs", "privacy.metrics", "privacy.mechanism", "privacy.secure-aggregation",
            "privacy.example-clip",
        ]) { run in
            guard run.training.localEpochs != nil, run.privacy.metrics == .withheld else { return nil }
            let reason: String
            var remedy = "remove 'training.local-epochs'"
            if run.privacy.mechanism != .none {
                reason = "'privacy.mechanism: \(run.privacy.mechanism.rawValue)'"
            } else if run.privacy.secureAggregation.isOn {
                reason = "'privacy.secure-aggregation'"
            } else if run.training.exampleClip != nil {
                reason = "'privacy.example-clip'"
            } else {
                reason = "'privacy.metrics: withheld'"
                remedy += ", or set 'privacy.metrics: reported'"
            }
            return
                "'training.local-epochs' lets the size of a worker's text decide how many steps it takes and how long that is, "
                + "and with \(reason) workers keep that size to themselves; \(remedy)"
        },
    ]

    private static let whenPrivate = mechanism { $0 != .none }
    /// Where the coordinator adds noise to sums. Masks have rules of their own.
    private static let whenSummed = mechanism { $0 == .central || $0 == .ftrl }
    private static let whenCentral = mechanism { $0 == .central }

    private static func mechanism(
        _ isMeant: @escaping @Sendable (PrivacySettings.Mechanism) -> Bool
    ) -> ConstrainingSetting {
        ConstrainingSetting("privacy.mechanism") { run in
            isMeant(run.privacy.mechanism) ? "'privacy.mechanism: \(run.privacy.mechanism.rawValue)'" : nil
        }
    }
}
