import Federation
import SecureAggregation

extension Constraint {
    /// What sums under masks need, and what they cannot be put together with.
    static let secureAggregation = maskNumbers + maskedSums + maskedCohort + besideMasks

    private static let maskNumbers =
        RunSchema.maskKeys.map { key in
            Constraint(keys: [key.path, "privacy.secure-aggregation"]) { run in
                guard !run.privacy.secureAggregation.isOn, key.read(run) != nil else { return nil }
                return "'\(key.path)' is used only with 'privacy.secure-aggregation: true'; set that or remove the key"
            }
        } + [
            masked("privacy.mask-clip") { run in
                guard run.privacy.secureAggregation.clip == nil else { return nil }
                return "needs one largest value for all updates; set 'privacy.mask-clip', for example to 0.05 (values "
                    + "beyond it are cut off)"
            },
            masked("federation.weight-cap") { run in
                guard let limit = run.federation.weightCap.maximumItems else {
                    return "hides what each update weighs and needs a largest weight; set 'federation.weight-cap' to "
                        + "the most blocks or examples that one worker may count for, or to 1 to count all alike"
                }
                guard limit > RunConfiguration.maskedWeightMax else { return nil }
                return "cannot count weights up to \(limit) in 32 bits; lower 'federation.weight-cap'"
            },
        ]

    /// Only sums of single values pass through masks.
    private static let maskedSums = [
        masked("federation.aggregation") { run in
            guard run.federation.aggregation.mixesFactors else { return nil }
            return "gives the coordinator sums of updates alone, and '\(run.federation.aggregation.rawValue)' forms "
                + "products of single workers' factors; set 'federation.aggregation' to separate, ffa-lora, rolora or "
                + "fed-sb"
        },
        masked("federation.aggregation") { run in
            guard run.federation.aggregation.ownFactor != nil else { return nil }
            return "is not supported with parts that workers keep for themselves; set 'federation.aggregation' to "
                + "separate, ffa-lora, rolora or fed-sb"
        },
        masked("federation.personalisation") { run in
            guard run.federation.personalisation != .none else { return nil }
            return "is not supported with adapters that workers keep for themselves; remove "
                + "'federation.personalisation'"
        },
        masked("federation.robust") { run in
            guard run.federation.robust.rules != nil else { return nil }
            return "gives the coordinator sums of updates alone, and a robust rule compares single ones; remove "
                + "'federation.robust'"
        },
        masked("federation.strategy") { run in
            let usable: [Strategy] = [.fedavg, .fedprox, .fedavgm, .fedadam, .fedyogi, .fedadagrad, .diloco]
            guard !usable.contains(run.federation.strategy) else { return nil }
            return "gives the coordinator one mean of updates, and '\(run.federation.strategy.rawValue)' needs more of "
                + "each worker; choose " + usable.map(\.rawValue).joined(separator: ", ")
        },
        masked("adapter.rank") { run in
            guard run.ranks.workerRanks.areMixed else { return nil }
            return "sums updates value by value, and adapters of different ranks have different values; give all "
                + "workers the same 'adapter.rank'"
        },
        masked("compression.uplink") { run in
            guard run.compression.uplink != .dense else { return nil }
            return "packs updates by itself, and what \(run.compression.uplink) writes cannot be summed; remove "
                + "'compression.uplink' (fewer bits a value: 'privacy.mask-levels')"
        },
        masked("privacy.mechanism") { run in
            guard run.privacy.mechanism == .central || run.privacy.mechanism == .ftrl else { return nil }
            return "hides updates from the coordinator, which for 'privacy.mechanism: "
                + "\(run.privacy.mechanism.rawValue)' clips each one; set "
                + "'privacy.mechanism' to distributed, local or none"
        },
    ]

    private static let maskedCohort = [
        masked("federation.schedule") { run in
            guard run.federation.schedule == .asynchronous else { return nil }
            return "sums the updates of one cohort, and an asynchronous schedule has none; set 'federation.schedule: "
                + "synchronous'"
        },
        masked("federation.over-selection") { run in
            guard run.federation.overSelection > 1 else { return nil }
            return "gives everybody that is asked a place in the sum, and over-selection discards the slow; remove "
                + "'federation.over-selection'"
        },
        masked("privacy.mask-minimum-cohort", "federation.workers-per-round") { run in
            guard let minimum = run.privacy.secureAggregation.minimumCohort, minimum > run.federation.workersPerRound
            else { return nil }
            return "sums at least \(minimum) updates ('privacy.mask-minimum-cohort'), and a round asks for "
                + "\(run.federation.workersPerRound); raise 'federation.workers-per-round' or lower the minimum"
        },
        masked("privacy.mask-levels", "federation.weight-cap", "federation.workers-per-round") { run in
            guard let options = run.maskingOptions else { return nil }
            do throws(MaskingError) {
                _ = try options.quantisation.bits(cohort: run.federation.workersPerRound)
            } catch { return "is not possible with these numbers: \(error)" }
            return nil
        },
        masked("privacy.mask-corrupt", "privacy.mask-dropout", "federation.workers-per-round") { run in
            guard let options = run.maskingOptions, run.federation.workersPerRound >= options.minimumCohort else {
                return nil
            }
            do throws(MaskingError) {
                _ = try MaskingDegree(cohort: run.federation.workersPerRound, under: options.assumptions)
            } catch {
                return "is not possible with these numbers: \(error) ('privacy.mask-corrupt', 'privacy.mask-dropout', "
                    + "'federation.workers-per-round')"
            }
            return nil
        },
    ]

    /// Numbers that would leave a worker beside its masked update.
    private static let besideMasks = [
        masked("privacy.metrics") { run in
            guard run.privacy.metrics == .reported else { return nil }
            return "hides single updates, and single training losses and sizes would be reported beside them; remove "
                + "'privacy.metrics'"
        },
        masked("evaluation.source") { run in
            guard run.evaluation.source.isOfWorkers else { return nil }
            return "hides single updates, and losses of single workers would be reported beside them; set "
                + "'evaluation.source: coordinator' or 'evaluation.source: none'"
        },
        masked("federation.selection") { run in
            guard run.federation.selection == .dataSize else { return nil }
            return "hides the size of each worker's text, by which 'data-size' selects; choose another "
                + "'federation.selection'"
        },
    ]

    private static let masked = ConstrainingSetting("privacy.secure-aggregation") { run in
        run.privacy.secureAggregation.isOn ? "'privacy.secure-aggregation'" : nil
    }
}
