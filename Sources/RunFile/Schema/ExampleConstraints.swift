import Federation
import Recipe

extension Constraint {
    /// What noise within the workers' training needs, and what would tell of single examples beside it.
    static let examples =
        [
            Constraint(keys: ["privacy.example-clip", "privacy.example-noise-multiplier"]) { run in
                switch (run.training.exampleClip, run.training.exampleNoiseMultiplier) {
                case (nil, nil), (.some, .some): return nil
                case (nil, _):
                    return "'privacy.example-noise-multiplier' needs 'privacy.example-clip', the largest norm of one "
                        + "example's gradient; add it, or remove the key"
                case (_, nil):
                    return
                        "'privacy.example-clip' needs 'privacy.example-noise-multiplier' (shoal privacy account says "
                        + "what it costs); add it, or remove the key"
                }
            }
        ] + [
            withExamples("privacy.metrics") { run in
                guard run.privacy.metrics == .reported else { return nil }
                return "covers updates alone, and training losses and sizes would be told without noise; remove "
                    + "'privacy.metrics'"
            },
            withExamples("federation.weight-cap") { run in
                guard run.federation.weightCap.maximumItems != 1, RunSchema.weighsBySize(run) else { return nil }
                return "counts all workers alike: weights would tell how many examples there are; remove "
                    + "'federation.weight-cap'"
            },
            withExamples("federation.selection") { run in
                guard run.federation.selection == .dataSize else { return nil }
                return "does not tell how many examples a worker has, by which 'data-size' selects; choose another "
                    + "'federation.selection'"
            },
            withExamples("federation.strategy") { run in
                guard run.federation.strategy == .qfedavg else { return nil }
                return "tells no training losses, by which 'q-fedavg' weighs workers; choose another strategy"
            },
            withExamples("federation.personalisation") { run in
                guard run.federation.personalisation == .none else {
                    return "covers one adapter's training; remove 'federation.personalisation'"
                }
                return nil
            },
            withExamples("evaluation.source") { run in
                guard run.evaluation.source.isOfWorkers else { return nil }
                return "covers updates alone, and losses that workers measure on their own text would be told without "
                    + "noise; set 'evaluation.source: coordinator' or 'evaluation.source: none'"
            },
            withExamples("training.balance-classes") { run in
                guard run.training.balancesClasses else { return nil }
                return "draws every example by the same coin, and balanced classes draw rare ones more often; set "
                    + "'training.balance-classes: false'"
            },
            withExamples("training.command") { run in
                guard !run.trainerCommand.isEmpty else { return nil }
                return "is the native trainer's, which a 'training.command' takes the place of; remove one of the two"
            },
        ]

    private static let withExamples = ConstrainingSetting("privacy.example-clip") { run in
        run.training.exampleClip == nil ? nil : "'privacy.example-clip'"
    }
}
