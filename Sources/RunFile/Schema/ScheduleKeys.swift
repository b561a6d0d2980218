import Federation

extension RunSchema {
    static let scheduleKeys =
        [
            SchemaKey(
                "federation.over-selection", .number(NumberRange(minimum: 1, below: 100)), .value(.number(1)),
                change: .allowed, at: \.federation.overSelection,
                "Factor on workers-per-round: so many workers are asked, and the first to answer count."),
            SchemaKey(
                "federation.selection", .choice(SelectionPolicy.allCases.map(\.rawValue)), .value(.text("uniform")),
                at: \.federation.selection,
                "Whom a round asks: all alike (uniform), those with more data (data-size) or who finished more of what "
                    + "they were asked (availability) more often, or who took part least first (fair)."),
            SchemaKey(
                "federation.schedule", .choice(Schedule.allCases.map(\.rawValue)), .value(.text("synchronous")),
                at: \.federation.schedule,
                "Rounds that begin and end together, or workers at their own pace whose updates are buffered."),
        ] + bufferKeys

    /// The numbers of the asynchronous schedule.
    static let bufferKeys = [
        SchemaKey(
            "federation.buffer-size", .integer(1...1_000_000), orWord: nil,
            .derived("10, or all workers that train if they are fewer, with schedule asynchronous") { run in
                asynchronous(run) { .integer(min(10, max(1, run.federation.workers - heldOut(run)))) }
            }, change: .allowed, at: \.federation.scheduleOptions.bufferSize,
            "Updates that make one version, with an asynchronous schedule."),
        SchemaKey(
            "federation.staleness-exponent", .number(NumberRange(minimum: 0, below: 20)), orWord: nil,
            .derived("0.5 with schedule asynchronous") { asynchronous($0) { .number(0.5) } }, change: .allowed,
            at: \.federation.scheduleOptions.stalenessExponent,
            "An update that started s versions ago counts (1 + s) to the power of minus this."),
        SchemaKey(
            "federation.maximum-staleness", .integer(0...1_000_000), orWord: nil,
            .derived("20 with schedule asynchronous") { asynchronous($0) { .integer(20) } }, change: .allowed,
            at: \.federation.scheduleOptions.maximumStaleness,
            "Updates that started more versions ago than this are refused."),
        SchemaKey(
            "federation.concurrency", .integer(1...1_000_000), orWord: nil,
            .derived("workers-per-round with schedule asynchronous") { run in
                asynchronous(run) { .integer(run.federation.workersPerRound) }
            }, change: .allowed, at: \.federation.scheduleOptions.concurrency,
            "Workers that train at once, with an asynchronous schedule."),
    ]

    static let simulationKeys = [
        SchemaKey(
            "simulation.slow-share", .number(NumberRange(minimum: 0, below: 1)), .value(.number(0)), change: .allowed,
            at: \.simulation.slowShare, "The part of a simulation's workers that are slow."),
        SchemaKey(
            "simulation.slow-factor", .number(NumberRange(minimum: 1, below: 10_000)), .value(.number(10)),
            change: .allowed, at: \.simulation.slowFactor,
            "How many times as long a slow worker takes for a step: the worker waits."),
        SchemaKey(
            "simulation.step-time", .duration(.zero...(.seconds(3_600))), .value(.duration(.milliseconds(100))),
            change: .allowed, at: \.simulation.stepTime,
            "Virtual time of a step in a simulation inside one process; real processes take their own."),
        SchemaKey(
            "simulation.command-share", .number(.fraction), orWord: nil, .absent, change: .allowed,
            at: \.simulation.commandShare,
            "The part of a simulation's workers that train with training.command, the others natively; absent: all of "
                + "them."),
    ]

    private static func asynchronous(_ run: RunConfiguration, _ value: () -> SettingValue) -> SettingValue? {
        run.federation.schedule == .asynchronous ? value() : nil
    }
}

extension Constraint {
    static let schedule = bufferUse + overSelection + asynchronous

    /// A number that the schedule has no use for is a misunderstanding.
    private static let bufferUse = RunSchema.bufferKeys.map { key in
        Constraint(keys: [key.path, "federation.schedule"]) { run in
            guard run.federation.schedule == .synchronous, key.read(run) != nil else { return nil }
            return "'\(key.path)' is not used by the synchronous schedule; remove it, or set "
                + "'federation.schedule: asynchronous'"
        }
    }

    private static let overSelection = [
        Constraint(keys: ["federation.over-selection", "federation.workers-per-round", "federation.workers"]) { run in
            let training = run.federation.workers - RunSchema.heldOut(run)
            guard run.federation.schedule == .synchronous, run.federation.overSelection > 1,
                run.federation.workersPerRound <= training, run.federation.workersAsked > training
            else { return nil }
            return "'federation.over-selection' asks \(run.federation.workersAsked) workers for "
                + "\(run.federation.workersPerRound) updates, but only \(training) can train; lower it or "
                + "'federation.workers-per-round'"
        }
    ]

    private static let asynchronous = [
        buffered(with: "federation.over-selection") { run in
            guard run.federation.overSelection > 1 else { return nil }
            return "which waits for nobody; remove the key and raise 'federation.concurrency' instead"
        },
        buffered(with: "federation.deadline") { run in
            guard run.federation.deadline != nil else { return nil }
            return "whose rounds end when 'federation.buffer-size' updates are there; remove the key"
        },
        buffered(with: "federation.minimum-workers") { run in
            guard run.federation.minimumWorkers > 1 else { return nil }
            return
                "whose rounds end with 'federation.buffer-size' updates, no fewer and no later; remove the key"
        },
        buffered(with: "federation.aggregation") { run in
            let reason: String
            switch run.federation.aggregation {
            case .separate, .ffaLoRA, .fedSB: return nil
            case .roLoRA: reason = "as updates of different rounds would hold different parts"
            case .fedSA:
                reason =
                    "as only workers can evaluate their own models, between rounds, and here they never pause"
            case .hetLoRA, .flexLoRA, .fedExLoRA, .flora:
                reason =
                    "as it multiplies each worker's own factors, and those that started from different versions are "
                    + "factors of different adapters"
            }
            return reason + "; choose separate, ffa-lora or fed-sb"
        },
        buffered(with: "federation.strategy") { run in
            let usable: [Strategy] = [
                .fedavg, .fedprox, .fedavgm, .fedadam, .fedyogi, .fedadagrad, .diloco, .fednova,
            ]
            guard !usable.contains(run.federation.strategy) else { return nil }
            return "as it compares workers that started from the same version; choose "
                + usable.map(\.rawValue).joined(separator: ", ")
        },
        buffered(with: "evaluation.gate") { run in
            guard run.evaluation.gate != nil else { return nil }
            return
                "whose workers start from a version as soon as it is there, so none can be taken back; remove the key"
        },
        buffered(with: "evaluation.source") { run in
            guard run.evaluation.source.isOfWorkers else { return nil }
            return "as workers evaluate between rounds, and here they never pause; set "
                + "'evaluation.source: coordinator' or 'evaluation.source: none'"
        },
        Constraint(keys: ["federation.buffer-size", "federation.schedule", "federation.workers"]) { run in
            let training = run.federation.workers - RunSchema.heldOut(run)
            guard let size = run.federation.scheduleOptions.bufferSize, training > 0, size > training else {
                return nil
            }
            return "'federation.buffer-size' is \(size), but only \(training) workers can train, each once a version; "
                + "lower it or raise 'federation.workers'"
        },
        Constraint(keys: ["federation.concurrency", "federation.schedule", "federation.workers"]) { run in
            let training = run.federation.workers - RunSchema.heldOut(run)
            guard let concurrency = run.federation.scheduleOptions.concurrency, training > 0,
                run.federation.workersPerRound <= training, concurrency > training
            else { return nil }
            return "'federation.concurrency' is \(concurrency), but only \(training) workers can train; lower it or "
                + "raise 'federation.workers'"
        },
    ]

    /// A key whose value does not go with the asynchronous schedule.
    ///
    /// - Parameter reason: Completes "… does not go with 'federation.schedule: asynchronous', …"; `nil` if it does.
    private static func buffered(
        with key: String, _ reason: @escaping @Sendable (RunConfiguration) -> String?
    ) -> Constraint {
        Constraint(keys: [key, "federation.schedule"]) { run in
            guard run.federation.schedule == .asynchronous, let reason = reason(run) else { return nil }
            let value = RunSchema.key(key)?.read(run)?.json.written() ?? ""
            return "'\(key): \(value)' does not go with 'federation.schedule: asynchronous', \(reason)"
        }
    }
}
