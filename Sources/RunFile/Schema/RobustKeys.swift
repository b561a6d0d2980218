import Federation

extension RunSchema {
    /// The chain, then its numbers, which it alone has a use for.
    static let robustKeys =
        [
            SchemaKey(
                "federation.robust", .choices(RobustRule.allCases.map(\.rawValue)), orWord: "none",
                .value(.text("none")), at: \.federation.robust.rules,
                "Rules against bad updates, in their order: any of norm-bound, arc and nnm, then one that makes one update "
                    + "of all; `none` takes the strategy's mean, which one bad worker moves anywhere.")
        ] + robustNumbers

    static let robustNumbers = [
        SchemaKey(
            "federation.robust-share", .number(NumberRange(minimum: 0, below: 0.5)), orWord: nil,
            .derived("0.2 with federation.robust") { $0.federation.robust.rules.map { _ in .number(0.2) } },
            at: \.federation.robust.share, "The part of the workers that may be bad."),
        SchemaKey(
            "federation.robust-tail", .number(.fraction), orWord: nil,
            .derived("0.05 with federation.robust") { $0.federation.robust.rules.map { _ in .number(0.05) } },
            at: \.federation.robust.tail,
            "How probable a round with more than robust-f bad workers may be, where robust-f follows from it."),
        SchemaKey(
            "federation.robust-f", .integer(0...1_000_000), orWord: nil,
            .derived("the smallest that a round exceeds with probability robust-tail, with federation.robust") { run in
                guard let tail = run.federation.badWorkerTail(heldOut: heldOut(run)),
                    let bound = run.federation.robust.tail
                else { return nil }
                return .integer(tail.smallestF(bound: bound))
            }, change: .allowed, at: \.federation.robust.f, "Bad updates in a round that the rules must withstand."),
        SchemaKey(
            "federation.robust-norm", .number(.positive), orWord: nil, .absent, at: \.federation.robust.norm,
            "Bound on an update's norm for norm-bound, and radius for centred-clipping; without it, medians of the round's."
        ),
    ]
}

extension RobustRules: SettingRepresentable {
    init?(setting: SettingValue) {
        guard case .list(let words) = setting else { return nil }
        let names = words.compactMap { RobustRule(rawValue: $0) }
        guard names.count == words.count else { return nil }
        self.init(names: names)
    }

    var setting: SettingValue? { .list(names.map(\.rawValue)) }
}

extension Constraint {
    static let robust = robustUse + robustChain + robustCompany

    /// A number that no rule has a use for is a misunderstanding.
    private static let robustUse = RunSchema.robustNumbers.map { key in
        Constraint(keys: [key.path, "federation.robust"]) { run in
            guard run.federation.robust.rules == nil, key.read(run) != nil else { return nil }
            return "'\(key.path)' is used only with 'federation.robust'; remove it or set that"
        }
    }

    private static let robustChain = [
        Constraint(keys: ["federation.robust"]) { run in
            guard let names = run.federation.robust.rules?.names, RobustChain(names) == nil else { return nil }
            let ends = RobustRule.allCases.filter { !$0.isPreAggregation }.map(\.rawValue).joined(separator: ", ")
            let starts = RobustRule.allCases.filter(\.isPreAggregation).map(\.rawValue).joined(separator: ", ")
            return "'federation.robust' must end with the one rule that makes one update of all (\(ends)), and only "
                + "\(starts) may stand before it; write, for example, [arc, nnm, trimmed-mean]"
        },
        Constraint(keys: ["federation.robust-norm", "federation.robust"]) { run in
            guard let names = run.federation.robust.rules?.names, run.federation.robust.norm != nil,
                !names.contains(where: \.takesNorm)
            else { return nil }
            return
                "'federation.robust-norm' is used only by norm-bound and centred-clipping; remove it or add one of them"
        },
        Constraint(
            keys: [
                "federation.robust-f", "federation.robust", "federation.minimum-workers",
                "federation.workers-per-round", "federation.robust-share", "federation.robust-tail",
            ]
        ) { run in
            guard let robust = run.federation.robustOptions else { return nil }
            let needed = robust.chain.minimumUpdates(f: robust.f)
            let closesEarly = run.federation.deadline != nil
            let fewest = closesEarly ? run.federation.minimumWorkers : run.federation.workersPerRound
            guard fewest < needed.count else { return nil }
            let key = closesEarly ? "minimum-workers" : "workers-per-round"
            return "\(needed.rule.rawValue) needs \(needed.count) updates to withstand \(robust.f) bad ones "
                + "('federation.robust-f'), and a round may close with \(fewest); raise 'federation.\(key)', lower "
                + "'federation.robust-share', or set a smaller 'federation.robust-f' and bear the risk"
        },
    ]

    private static let robustCompany = [
        beside("federation.aggregation") { run in
            guard run.federation.aggregation.mixesFactors else { return nil }
            let linear = FactorAggregation.allCases.filter { !$0.mixesFactors }.map(\.rawValue)
            return "which mixes products of factors: no two workers' values can be compared one by one; choose "
                + linear.joined(separator: ", ")
        },
        beside("federation.schedule") { run in
            guard run.federation.schedule == .asynchronous else { return nil }
            return "as updates from different versions lie apart without being bad, and a fast worker would fill the "
                + "buffer; set it to synchronous"
        },
        beside("federation.strategy") { run in
            let reason: String
            switch run.federation.strategy {
            case .fedavg, .fedprox, .fedavgm, .fedadam, .fedyogi, .fedadagrad, .diloco: return nil
            case .fednova: reason = "which weighs updates by the steps that workers say they took"
            case .qfedavg: reason = "which weighs updates by the losses that workers say they have"
            case .scaffold: reason = "whose control variates are means that one bad worker moves anywhere"
            }
            return reason + "; choose fedavg, fedprox, fedavgm, fedadam, fedyogi, fedadagrad or diloco"
        },
        beside("federation.selection") { run in
            guard run.federation.selection != .uniform else { return nil }
            return "as what workers say or do decides how often they are asked, and 'federation.robust-f' counts on "
                + "equal chances; set it to uniform"
        },
        beside("federation.weight-cap") { run in
            guard (run.federation.weightCap.maximumItems ?? 1) != 1, !run.privacy.secureAggregation.isOn else {
                return nil
            }
            return "whose rules count all workers alike; remove the key"
        },
        // Differential privacy belongs here, too: a robust rule's sensitivity to one worker has no useful bound, so noise
        // for a mean would not cover it.
    ]

    /// A key whose value does not go with robust rules.
    ///
    /// - Parameter reason: Completes "… does not go with 'federation.robust', …"; `nil` if it does.
    private static func beside(
        _ key: String, _ reason: @escaping @Sendable (RunConfiguration) -> String?
    ) -> Constraint {
        Constraint(keys: ["federation.robust", key]) { run in
            guard run.federation.robust.rules != nil, let reason = reason(run) else { return nil }
            let value = RunSchema.key(key)?.read(run)?.json.written() ?? ""
            return "'\(key): \(value)' does not go with 'federation.robust', \(reason)"
        }
    }
}
