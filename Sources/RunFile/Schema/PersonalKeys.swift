import Federation
import Recipe

extension RunSchema {
    static let personalKeys = [
        SchemaKey(
            "federation.personalisation", .choice(Personalisation.allCases.map(\.rawValue)),
            .value(.text(Personalisation.none.rawValue)), at: \.federation.personalisation,
            "What a worker has beside the run's adapter: nothing, or an adapter that trains on top of it and stays there "
                + "(local-adapter).")
    ]
}

extension Constraint {
    /// What workers keep for themselves, and what it does not go with.
    static let personal = scaffold + ownModels + core

    private static let scaffold = [
        whenScaffold("training.optimizer") { run in
            guard run.training.optimizer != .sgd else { return nil }
            return "corrects the steps of plain SGD, and AdamW's are none; set 'training.optimizer: sgd' with a "
                + "'training.learning-rate' for it, or choose another strategy"
        },
        whenScaffold("training.momentum") { run in
            guard run.training.momentum > 0 else { return nil }
            return "takes a worker's gradient from the way it went, which momentum lengthens; remove "
                + "'training.momentum'"
        },
        whenScaffold("training.proximal") { run in
            guard run.training.proximal != nil else { return nil }
            return "holds workers together by itself; remove 'training.proximal'"
        },
        whenScaffold("federation.weight-cap") { run in
            guard (run.federation.weightCap.maximumItems ?? 1) != 1, !run.privacy.secureAggregation.isOn else {
                return nil
            }
            return "counts all workers alike; remove 'federation.weight-cap'"
        },
        whenScaffold("federation.aggregation") { run in
            guard ![.separate, .ffaLoRA, .fedSB].contains(run.federation.aggregation) else { return nil }
            return "needs the same values to travel in every round; set 'federation.aggregation' to separate, "
                + "ffa-lora or fed-sb"
        },
        // A control variate follows what was decoded: what a codec left out of it comes again by itself.
        whenScaffold("compression.error-feedback", "compression.uplink") { run in
            guard run.compression.errorFeedback else { return nil }
            return "is not supported with error feedback; set 'compression.uplink' to an unbiased codec (dense, eden) "
                + "or 'compression.error-feedback: false'"
        },
    ]

    private static let whenScaffold = ConstrainingSetting("federation.strategy") { run in
        run.federation.strategy == .scaffold ? "strategy 'scaffold'" : nil
    }

    private static let ownModels = [
        Constraint(keys: ["evaluation.source", "federation.aggregation", "federation.personalisation"]) { run in
            guard let method = method(run), run.evaluation.source != .workers, run.evaluation.source != .nobody else {
                return nil
            }
            return "with \(method) each worker has a model of its own, which nobody else can evaluate; set "
                + "'evaluation.source: workers' or 'evaluation.source: none'"
        },
        Constraint(keys: ["adapter.method", "federation.aggregation", "federation.personalisation"]) { run in
            guard let method = method(run), run.adapter.method == .dora else { return nil }
            return "\(method) is not supported with 'adapter.method: dora', whose magnitudes belong to one product of "
                + "factors; set 'adapter.method: lora'"
        },
        Constraint(keys: ["federation.personalisation", "federation.aggregation"]) { run in
            guard run.federation.aggregation == .fedSA, run.federation.personalisation != .none else { return nil }
            return "'federation.aggregation: fedsa' is personal by itself; remove 'federation.personalisation' or set "
                + "'federation.aggregation: separate'"
        },
        Constraint(keys: ["federation.personalisation", "federation.aggregation"]) { run in
            guard run.federation.aggregation.mixesFactors, run.federation.personalisation != .none else { return nil }
            return "local adapters are not supported with 'federation.aggregation: "
                + "\(run.federation.aggregation.rawValue)', under which workers' adapters differ already; remove "
                + "'federation.personalisation' or set 'federation.aggregation: separate'"
        },
    ]

    private static let core = [
        whenCore("adapter.method") { run in
            guard run.adapter.method == .dora else { return nil }
            return "is not supported with 'adapter.method: dora'; set 'adapter.method: lora'"
        },
        whenCore("adapter.from") { run in
            guard run.adapterFrom != nil else { return nil }
            return "takes its fixed factors from the base model, so it cannot go on from another adapter; remove "
                + "'adapter.from'"
        },
        whenCore("federation.personalisation") { run in
            guard run.federation.personalisation != .none else { return nil }
            return "is not supported with local adapters; remove 'federation.personalisation' or set "
                + "'federation.aggregation: separate'"
        },
    ]

    private static let whenCore = ConstrainingSetting("federation.aggregation") { run in
        run.federation.aggregation == .fedSB ? "'federation.aggregation: fed-sb'" : nil
    }

    /// The setting that gives each worker a model of its own.
    private static func method(_ run: RunConfiguration) -> String? {
        if run.federation.aggregation == .fedSA { return "'federation.aggregation: fedsa'" }
        return run.federation.personalisation == .none ? nil : "'federation.personalisation: local-adapter'"
    }
}
