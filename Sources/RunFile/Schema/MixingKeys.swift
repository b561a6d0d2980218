import Federation
import Recipe

extension RunSchema {
    static let rankKeys = [
        SchemaKey(
            "adapter.rank", .either([.integer(rankRange), .choice(["auto"]), .integerList(rankRange)]),
            .value(.integer(8)), at: \.ranks.choice,
            "Rank of the low-rank matrices: a number, a list that is dealt to workers in turn, or what each worker's memory "
                + "and measured speed allow (auto)."),
        SchemaKey(
            "adapter.minimum-rank", .integer(rankRange), orWord: nil,
            .derived("4 where adapter.rank is auto") { $0.ranks.choice == .auto ? .integer(4) : nil },
            at: \.ranks.minimum, "The least rank that auto gives a worker."),
        SchemaKey(
            "adapter.maximum-rank", .integer(rankRange), orWord: nil,
            .derived("16, or the minimum where that is more, where adapter.rank is auto") {
                $0.ranks.choice == .auto ? .integer(max(16, $0.ranks.minimum ?? 0)) : nil
            }, at: \.ranks.maximum, "The largest rank that auto gives a worker, and the global adapter's."),
    ]

    static let mixingKeys = [
        SchemaKey(
            "federation.residual-rank", .integer(rankRange), orWord: nil,
            .derived("eight times the adapter's largest rank, with fedex-lora and flora") {
                guard $0.federation.aggregation.keepsResidual else { return nil }
                return .integer(min(8 * $0.ranks.workerRanks.largest, rankRange.upperBound))
            }, at: \.federation.residualRank,
            "The largest rank, in a layer, of what fedex-lora and flora add to the base; it travels down every round.")
    ]

    static let rankRange = 1...4_096
}

extension RankOptions.Choice: SettingRepresentable {
    init?(setting: SettingValue) {
        switch setting {
        case .integer(let rank): self = .fixed(rank)
        case .integerList(let ranks): self = .dealt(ranks)
        case .text("auto"): self = .auto
        default: return nil
        }
    }

    var setting: SettingValue? {
        switch self {
        case .fixed(let rank): .integer(rank)
        case .dealt(let ranks): .integerList(ranks)
        case .auto: .text("auto")
        }
    }
}

extension Constraint {
    /// What the methods that mix factors of different workers cannot work with.
    static let mixing = [
        Constraint(keys: ["adapter.rank", "federation.aggregation"]) { run in
            guard run.ranks.workerRanks.areMixed, !run.federation.aggregation.takesMixedRanks else { return nil }
            let takers = FactorAggregation.allCases.filter(\.takesMixedRanks).map(\.rawValue)
            return "'adapter.rank' gives workers different ranks, and 'federation.aggregation: "
                + "\(run.federation.aggregation.rawValue)' needs one; set the aggregation to "
                + "\(takers.joined(separator: ", ")), or the rank to one number"
        },
        Constraint(keys: ["adapter.minimum-rank", "adapter.maximum-rank", "adapter.rank"]) { run in
            if run.ranks.choice != .auto,
                let key = run.ranks.minimum.map({ _ in "minimum" })
                    ?? run.ranks.maximum.map({ _ in "maximum" })
            {
                return "'adapter.\(key)-rank' is used only with 'adapter.rank: auto'; remove it or set that"
            }
            guard let minimum = run.ranks.minimum, let maximum = run.ranks.maximum, minimum > maximum else {
                return nil
            }
            return "'adapter.minimum-rank' is \(minimum), above 'adapter.maximum-rank' (\(maximum)); lower it"
        },
        Constraint(keys: ["federation.aggregation", "federation.strategy"]) { run in
            let strategy = run.federation.strategy
            guard run.federation.aggregation.mixesFactors, strategy != .fedavg, strategy != .fedprox else {
                return nil
            }
            return
                "'federation.aggregation: \(run.federation.aggregation.rawValue)' makes the next adapter itself, and "
                + "'federation.strategy: \(strategy.rawValue)' would work on single values of factors that change their "
                + "meaning; set the strategy to fedavg or fedprox, or the aggregation to separate"
        },
        Constraint(keys: ["federation.aggregation", "adapter.method"]) { run in
            guard run.federation.aggregation.mixesFactors, run.adapter.method == .dora else { return nil }
            return "'federation.aggregation: \(run.federation.aggregation.rawValue)' works on products of low-rank "
                + "factors, and 'adapter.method: dora' rescales them; set 'adapter.method: lora', or the aggregation to separate"
        },
        Constraint(keys: ["compression.error-feedback", "compression.uplink", "federation.aggregation"]) { run in
            guard run.compression.errorFeedback, run.federation.aggregation.changesBasis else { return nil }
            return "error feedback is not supported with 'federation.aggregation: "
                + "\(run.federation.aggregation.rawValue)', whose factors change their basis every round; set "
                + "'compression.error-feedback: false' or choose another codec for 'compression.uplink'"
        },
        Constraint(keys: ["federation.weight-cap", "federation.aggregation"]) { run in
            // Privacy and masks set or need a cap, and refuse hetlora themselves.
            guard run.federation.weightCap.maximumItems != nil, run.federation.aggregation == .hetLoRA,
                run.privacy.mechanism == .none, !run.privacy.secureAggregation.isOn
            else { return nil }
            return
                "'federation.weight-cap' is not used by 'federation.aggregation: hetlora', which weighs workers by the "
                + "norm of their product; remove it"
        },
        Constraint(keys: ["federation.residual-rank", "federation.aggregation"]) { run in
            guard run.federation.residualRank != nil, !run.federation.aggregation.keepsResidual else { return nil }
            return
                "'federation.residual-rank' is used only with 'federation.aggregation: fedex-lora' and 'flora'; remove "
                + "it or set one of them"
        },
        Constraint(keys: ["adapter.dropout", "federation.aggregation"]) { run in
            guard run.adapter.dropout > 0, run.federation.aggregation.keepsResidual else { return nil }
            return "'adapter.dropout' is not supported with 'federation.aggregation: "
                + "\(run.federation.aggregation.rawValue)': inputs of the residual must not be dropped; remove it or choose "
                + "another aggregation"
        },
    ]
}
