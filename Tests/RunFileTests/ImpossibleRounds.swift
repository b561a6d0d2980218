/// Refusals of what schedules, robust rules, limits and trainers' commands do not go with.
extension Refusal {
    static let rounds: [Refusal] = schedules + rules + costs + commands

    private static let schedules: [Refusal] =
        [
            Refusal(["federation.buffer-size=4"], "remove it, or set 'federation.schedule: asynchronous'"),
            Refusal(["federation.staleness-exponent=1"], "remove it, or set 'federation.schedule: asynchronous'"),
            Refusal(["federation.maximum-staleness=1"], "remove it, or set 'federation.schedule: asynchronous'"),
            Refusal(["federation.concurrency=4"], "remove it, or set 'federation.schedule: asynchronous'"),
            Refusal(
                ["federation.over-selection=1.3", "federation.workers-per-round=8"],
                "lower it or 'federation.workers-per-round'"),
            Refusal(["federation.over-selection=2", asynchronous], "raise 'federation.concurrency' instead"),
            Refusal(["federation.deadline=1m", asynchronous], "remove the key"),
            Refusal(["federation.minimum-workers=2", asynchronous], "'federation.buffer-size' updates"),
            Refusal(
                ["federation.aggregation=rolora", asynchronous], "hold different parts; choose separate, ffa-lora"),
            Refusal(fedSA + [asynchronous], "here they never pause; choose separate, ffa-lora or fed-sb", others: 1),
            Refusal(["evaluation.gate=0.1", asynchronous], "remove the key"),
            Refusal(["evaluation.source=workers", asynchronous], "set 'evaluation.source: coordinator'"),
            Refusal(["federation.strategy=q-fedavg", asynchronous], "choose fedavg, fedprox"),
            Refusal(scaffold + [asynchronous], "choose fedavg, fedprox"),
            Refusal(["federation.buffer-size=10", asynchronous], "lower it or raise 'federation.workers'"),
            Refusal(["federation.concurrency=10", asynchronous], "lower it or raise 'federation.workers'"),
        ]
        + each(
            "federation.aggregation", of: mixers, with: [asynchronous],
            "factors of different adapters; choose separate, ffa-lora or fed-sb")

    private static let rules: [Refusal] =
        [
            Refusal(["federation.robust-share=0.1"], "remove it or set that"),
            Refusal(["federation.robust-tail=0.1"], "remove it or set that"),
            Refusal(["federation.robust-f=2"], "remove it or set that"),
            Refusal(["federation.robust-norm=1"], "remove it or set that"),
            Refusal(fleet + ["federation.robust=[nnm]"], at: "federation.robust", "[arc, nnm, trimmed-mean]"),
            Refusal(["federation.robust-norm=1"] + robust, "remove it or add one of them"),
            Refusal(["federation.robust-f=5"] + robust, "raise 'federation.workers-per-round'"),
            Refusal(
                robust + ["federation.deadline=1m"], at: "federation.robust", "raise 'federation.minimum-workers'"),
            Refusal(robust + [asynchronous], at: "federation.robust", "set it to synchronous"),
            Refusal(robust + scaffold, at: "federation.robust", "choose fedavg, fedprox"),
            Refusal(robust + ["federation.weight-cap=5"], at: "federation.robust", "remove the key"),
        ]
        + each(
            "federation.aggregation", of: mixers, with: robust, at: "federation.robust",
            "choose separate, ffa-lora, rolora, fedsa, fed-sb")
        + each(
            "federation.strategy", of: ["fednova", "q-fedavg"], with: robust, at: "federation.robust",
            "choose fedavg, fedprox")
        + each(
            "federation.selection", of: ["data-size", "availability", "fair"], with: robust, at: "federation.robust",
            "set it to uniform")

    private static let costs: [Refusal] = ["limits.worker-time=1h", "limits.worker-energy=5"].flatMap(untold)

    private static func untold(_ limit: String) -> [Refusal] {
        let remedy = "remove '\(limit.prefix { $0 != "=" })'"
        return [
            Refusal([limit] + central, remedy), Refusal([limit, "privacy.metrics=withheld"], remedy),
            Refusal([limit] + masked, remedy), Refusal([limit, asynchronous], remedy),
        ]
    }

    private static let commands: [Refusal] =
        [
            Refusal(["simulation.command-share=0.5"], "remove it"),
            Refusal(["training.command=[a]"] + scaffold, "choose another strategy"),
            Refusal(["training.command=[a]", "training.proximal=0.1"], "remove it"),
            Refusal(["training.command=[a]", "training.local-epochs=2"], "remove 'training.local-epochs'"),
            Refusal(["training.command=[a]"] + local, "remove 'federation.personalisation'"),
        ]
        + each(
            "federation.aggregation", of: ["fed-sb", "flora", "fedex-lora"], with: ["training.command=[a]"],
            at: "training.command", "choose separate")
}
