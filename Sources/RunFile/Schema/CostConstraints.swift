internal import Federation
internal import Recipe

extension Constraint {
    /// What limits on a worker's time and energy need: that workers tell them, before the next round chooses.
    static let costs = ["limits.worker-time", "limits.worker-energy"].flatMap { key in
        [
            needsTold(key, "privacy.mechanism") { run in
                guard run.privacy.mechanism != .none else { return nil }
                return "and under differential privacy workers keep it to themselves"
            },
            needsTold(key, "privacy.metrics") { run in
                guard run.privacy.mechanism == .none, !run.privacy.secureAggregation.isOn,
                    run.privacy.metrics == .withheld
                else { return nil }
                return "and 'privacy.metrics: withheld' keeps it with them"
            },
            needsTold(key, "privacy.secure-aggregation") { run in
                guard run.privacy.secureAggregation.isOn else { return nil }
                return "and under masks nothing of one worker is told"
            },
            needsTold(key, "federation.schedule") { run in
                guard run.federation.schedule == .asynchronous else { return nil }
                return "and an asynchronous schedule has no moment between rounds at which to look at it"
            },
        ]
    }

    /// A program that trains can do what its files tell it, and no more.
    static let command =
        [
            Constraint(keys: ["simulation.command-share", "training.command"]) { run in
                guard run.trainerCommand.isEmpty, run.simulation.commandShare != nil else { return nil }
                return "'simulation.command-share' is used only with 'training.command'; remove it"
            }
        ]
        + [
            withCommand("federation.aggregation") { run in
                let exact: [FactorAggregation] = [.fedSB, .flora, .fedExLoRA]
                guard exact.contains(run.federation.aggregation) else { return nil }
                return "trains factors beside the base model alone; choose separate"
            },
            withCommand("federation.strategy") { run in
                guard run.federation.strategy == .scaffold else { return nil }
                return "knows nothing of control variates; choose another strategy"
            },
            withCommand("training.proximal") { run in
                guard run.training.proximal != nil else { return nil }
                return "knows nothing of the proximal term; remove it or choose a strategy other than fedprox"
            },
            withCommand("training.local-epochs") { run in
                guard run.training.localEpochs != nil else { return nil }
                return "takes the steps that it is told; remove 'training.local-epochs'"
            },
            withCommand("federation.personalisation") { run in
                guard run.federation.personalisation == .localAdapter else { return nil }
                return "trains one adapter; remove 'federation.personalisation'"
            },
        ]

    private static func withCommand(
        _ key: String, _ reason: @escaping @Sendable (RunConfiguration) -> String?
    ) -> Constraint {
        Constraint(keys: ["training.command", key]) { run in
            guard !run.trainerCommand.isEmpty, let reason = reason(run) else { return nil }
            return "a 'training.command' \(reason)"
        }
    }

    private static func needsTold(
        _ key: String, _ other: String, _ reason: @escaping @Sendable (RunConfiguration) -> String?
    ) -> Constraint {
        Constraint(keys: [key, other]) { run in
            guard RunSchema.key(key)?.read(run) != nil, let reason = reason(run) else { return nil }
            return "'\(key)' goes by what workers tell of their training, \(reason); remove '\(key)'"
        }
    }
}
