import Federation
import Recipe

extension RunSchema {
    static let federationKeys =
        participationKeys + scheduleKeys + aggregationKeys + personalKeys + strategyKeys + mixingKeys
        + robustKeys

    private static let participationKeys = [
        SchemaKey(
            "federation.workers", .integer(1...1_000_000), .required, at: \.federation.workers,
            "Workers that take part, held-out ones included."),
        SchemaKey(
            "federation.rounds", .integer(1...1_000_000), .required, change: .allowed, at: \.federation.rounds,
            "Rounds of the run. More rounds under an existing state continue it; linear and cosine schedules stretch."),
        SchemaKey(
            "federation.workers-per-round", .integer(1...1_000_000),
            .derived("all workers that are not held out") {
                .integer($0.federation.workers - heldOut($0))
            },
            at: \.federation.workersPerRound, "Updates that a round asks for."),
        SchemaKey(
            "federation.minimum-workers", .integer(1...1_000_000),
            .derived(
                "half of workers-per-round, rounded up; 1 with privacy.mechanism central or schedule asynchronous"
            ) {
                let hasNone = $0.privacy.mechanism == .central || $0.federation.schedule == .asynchronous
                return .integer(hasNone ? 1 : ($0.federation.workersPerRound + 1) / 2)
            },
            change: .allowed, at: \.federation.minimumWorkers,
            "Updates with which a round may close at its deadline."),
        SchemaKey(
            "federation.deadline", .duration(.seconds(1)...(.seconds(30 * 86_400))), orWord: "none",
            .value(.text("none")), change: .allowed, at: \.federation.deadline,
            "How long a round may take before it closes with the minimum; `none` waits for every update asked for."),
        SchemaKey(
            "federation.seed", .integer(0...Int.max), .value(.integer(0)), at: \.federation.seed,
            "Keys every random stream of the run."),
    ]

    private static let aggregationKeys = [
        SchemaKey(
            "federation.strategy", .choice(Strategy.allCases.map(\.rawValue)),
            .value(.text("fedavg")), at: \.federation.strategy,
            "How updates become one and what that changes: means of updates (fedavg, fedprox, fednova, q-fedavg), an "
                + "optimiser on their mean, or steps that control variates correct (scaffold)."),
        SchemaKey(
            "federation.aggregation", .choice(FactorAggregation.allCases.map(\.rawValue)),
            .value(.text("separate")), at: \.federation.aggregation,
            "Which low-rank factors a round trains and averages: both (separate), B alone (ffa-lora), in turn (rolora), A "
                + "while each worker keeps a B of its own (fedsa), or a square core between fixed ones (fed-sb); or how "
                + "products of factors become one adapter (hetlora, flexlora, fedex-lora, flora)."),
        SchemaKey(
            "federation.weight-cap", .either([.integer(1...Int.max), .choice(["none"])]),
            .derived(
                "1 with selection data-size, which counts size already, and with a privacy.mechanism or example-clip; else none, "
                    + "as where workers are not weighed by size at all (q-fedavg, scaffold, hetlora, robust)"
            ) {
                if $0.privacy.mechanism != .none { return .integer(1) }
                let isTold = $0.training.exampleClip == nil && $0.federation.selection != .dataSize
                return isTold || !weighsBySize($0) ? .text("none") : .integer(1)
            },
            at: \.federation.weightCap, "Most blocks or examples for which one worker's update counts."),
    ]

    static let compressionKeys = [
        SchemaKey(
            "compression.uplink", .codec(Codecs.supported), .value(.text("dense")), at: \.compression.uplink,
            "Codec of updates, worker to coordinator."),
        SchemaKey(
            "compression.downlink", .codec(Codecs.supported), .value(.text("dense")), at: \.compression.downlink,
            "Codec of a round's change to the adapter, coordinator to workers that hold an earlier one; what they make of it "
                + "is the adapter. With dense, adapters travel whole."),
        SchemaKey(
            "compression.error-feedback", .boolean,
            .derived("true where the uplink's codec is biased, and workers add no noise") {
                .boolean(!isUnbiased($0.compression.uplink) && $0.privacy.mechanism != .local)
            },
            at: \.compression.errorFeedback,
            "Workers keep what the uplink's codec leaves out and add it to their next update."),
        SchemaKey(
            "compression.residual-decay", .number(NumberRange(minimum: 0, maximum: 1)), orWord: nil,
            .derived("0.95 with error-feedback") { $0.compression.errorFeedback ? .number(0.95) : nil },
            at: \.compression.residualDecay,
            "What stays of that for each round published without an update of the worker: it was left out of an adapter that "
                + "others have changed since. 1 keeps all of it."),
    ]

    /// Whether the size of a worker's text decides how much it counts.
    static func weighsBySize(_ run: RunConfiguration) -> Bool {
        ![.qfedavg, .scaffold].contains(run.federation.strategy) && run.federation.aggregation != .hetLoRA
            && run.federation.robust.rules == nil
    }

    /// Whether the codec's decoded update is, on average, the update itself: nothing is left out that could be kept.
    static func isUnbiased(_ codec: CodecName) -> Bool {
        (try? Codecs.make(codec))?.isUnbiased ?? true
    }

    /// Workers kept from training; the count is used with its source only.
    static func heldOut(_ run: RunConfiguration) -> Int {
        run.evaluation.source == .heldOutWorkers ? run.evaluation.heldOutWorkers : 0
    }
}
