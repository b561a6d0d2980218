import Federation
import RunFile
import Testing

@Suite("A run file's robust rules")
struct RobustKeyTests {
    private static let fleet = ["federation.workers=40", "federation.workers-per-round=10"]

    private func load(_ overrides: [String]) throws -> RunConfiguration {
        try RunConfiguration(yaml: Minimal.yaml, overrides: overrides)
    }

    @Test("are none by default")
    func none() throws {
        let run = try load([])
        #expect(run.federation.robustOptions == nil)
        #expect(run.canonical["federation.robust"] == "\"none\"" && run.canonical["federation.robust-f"] == nil)
        #expect(try load(["federation.robust=none"]) == run)
    }

    @Test("take their f from the tail of the sampling, or as it is given")
    func numbers() throws {
        let run = try load(Self.fleet + ["federation.robust=[arc, nnm, trimmed-mean]"])
        let chain = RobustChain([.arc, .nnm, .trimmedMean])
        #expect(run.federation.robustOptions?.chain == chain && run.federation.robustOptions?.f == 4)
        #expect(run.federation.robust.share == 0.2 && run.federation.robust.tail == 0.05)
        #expect(try RunConfiguration(canonicalJSON: run.canonicalJSON) == run)

        let loose = try load(Self.fleet + ["federation.robust=[krum]", "federation.robust-tail=0.1"])
        #expect(loose.federation.robustOptions?.f == 3)
        let given = try load(
            Self.fleet + ["federation.robust=[norm-bound, mean]", "federation.robust-f=1", "federation.robust-norm=2"])
        #expect(given.federation.robustOptions?.f == 1 && given.federation.robustOptions?.norm == 2)
        // Twice as many are asked, and the bad ones may all be the first to answer.
        let fast = try load(
            Self.fleet + ["federation.robust=[median]", "federation.over-selection=1.3", "federation.robust-share=0.1"])
        let asked = BadWorkerTail(workers: 40, bad: 4, drawn: 13)
        #expect(fast.federation.robustOptions?.f == asked.smallestF(bound: 0.05))
        // Those that never train are not drawn.
        let heldOut = try load(
            Self.fleet + [
                "federation.robust=[median]", "evaluation.source=held-out-workers", "evaluation.held-out-workers=10",
                "federation.robust-share=0.1",
            ])
        let training = BadWorkerTail(workers: 30, bad: 3, drawn: 10)
        #expect(heldOut.federation.robustOptions?.f == training.smallestF(bound: 0.05))
    }

    @Test(
        "are refused where they cannot keep their promise, with the remedy",
        arguments: [
            (["federation.robust=[nnm]"], "must end with the one rule", "[arc, nnm, trimmed-mean]"),
            (["federation.robust=[median, krum]"], "must end with the one rule", "norm-bound, arc, nnm"),
            (["federation.robust=[median]", "federation.aggregation=flora"], "mixes products", "choose separate"),
            (["federation.robust=[median]", "federation.aggregation=fedex-lora"], "mixes products", "choose separate"),
            (["federation.robust=[median]", "federation.aggregation=flexlora"], "mixes products", "choose separate"),
            (["federation.robust=[median]", "federation.aggregation=hetlora"], "mixes products", "choose separate"),
            (
                ["federation.robust=[median]", "federation.schedule=asynchronous"], "different versions",
                "set it to synchronous"
            ),
            (["federation.robust=[median]", "federation.strategy=fednova"], "steps that workers say", "choose fedavg"),
            (
                ["federation.robust=[median]", "federation.strategy=q-fedavg"], "losses that workers say",
                "choose fedavg"
            ),
            (
                [
                    "federation.robust=[median]", "federation.strategy=scaffold", "training.optimizer=sgd",
                ], "control variates", "choose fedavg"
            ),
            (
                ["federation.robust=[median]", "federation.selection=data-size", "federation.weight-cap=none"],
                "how often they are asked", "set it to uniform"
            ),
            (["federation.robust=[median]", "federation.weight-cap=5"], "count all workers alike", "remove the key"),
            (["federation.robust-f=2"], "used only with 'federation.robust'", "remove it"),
            (["federation.robust-share=0.1"], "used only with 'federation.robust'", "remove it"),
            (["federation.robust-tail=0.1"], "used only with 'federation.robust'", "remove it"),
            (["federation.robust-norm=1"], "used only with 'federation.robust'", "remove it"),
            (
                ["federation.robust=[median]", "federation.robust-norm=1"], "norm-bound and centred-clipping",
                "remove it"
            ),
            (["federation.robust=[median]", "federation.robust-f=5"], "median needs 11 updates", "raise"),
            (["federation.robust=[krum]"], "krum needs 11 updates", "smaller 'federation.robust-f'"),
            (["federation.robust=[multi-krum]"], "multi-krum needs 11 updates", "'federation.workers-per-round'"),
            (["federation.robust=[nnm, bulyan]", "federation.robust-f=2"], "bulyan needs 11 updates", "raise"),
            (
                ["federation.robust=[median]", "federation.deadline=60s"], "may close with 5",
                "raise 'federation.minimum-workers'"
            ),
        ])
    func refusals(_ overrides: [String], _ reason: String, _ remedy: String) {
        let error = #expect(throws: RunFileError.self) { try load(Self.fleet + overrides) }
        #expect(error?.problems.count == 1, "\(error.map { "\($0)" } ?? "")")
        #expect(error?.description.contains(reason) == true && error?.description.contains(remedy) == true)
    }

    @Test(
        "are read as a list of known words", arguments: ["nnm", "[nnm, nnm]", "[]", "[nnm, middle]", "7", "{nnm: 1}"])
    func malformed(_ value: String) {
        let error = #expect(throws: RunFileError.self) { try load(Self.fleet + ["federation.robust=\(value)"]) }
        #expect(error?.description.contains("trimmed-mean") == true)
    }

    @Test("a problem names its line")
    func line() {
        let yaml = Minimal.yaml + "  robust: [nnm, median]\n  aggregation: flora\n"
        let error = #expect(throws: RunFileError.self) { try RunConfiguration(yaml: yaml, name: "run.yaml") }
        #expect(error?.description.contains("run.yaml:5") == true, "\(error.map { "\($0)" } ?? "")")
    }
}
