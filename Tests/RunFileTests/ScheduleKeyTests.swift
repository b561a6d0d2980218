import Federation
import RunFile
import Testing

@Suite("A run file's schedule")
struct ScheduleKeyTests {
    private func load(_ overrides: String...) throws -> RunConfiguration {
        try RunConfiguration(yaml: Minimal.yaml, overrides: overrides)
    }

    @Test("is synchronous and asks exactly as many as it needs unless told otherwise")
    func defaults() throws {
        let run = try load()
        #expect(run.federation.schedule == .synchronous && run.federation.buffering == nil)
        #expect(run.federation.selection == .uniform && run.federation.overSelection == 1)
        #expect(run.federation.workersAsked == 9)
        #expect(run.simulation.slowShare == 0)
    }

    @Test(
        "asks the factor's workers, rounded up",
        arguments: [("1", 10, 10), ("1.1", 10, 11), ("1.3", 10, 13), ("1.25", 10, 13), ("1.01", 10, 11), ("3", 3, 9)])
    func overSelection(_ factor: String, _ workersPerRound: Int, _ asked: Int) throws {
        let run = try load(
            "federation.workers=40", "federation.workers-per-round=\(workersPerRound)",
            "federation.over-selection=\(factor)")
        #expect(run.federation.workersAsked == asked)
    }

    @Test("takes FedBuff's defaults, as far as there are workers for them")
    func asynchronous() throws {
        let small = try load("federation.schedule=asynchronous")
        #expect(small.federation.buffering == BufferOptions(size: 9, concurrency: 9))
        #expect(
            small.federation.buffering?.stalenessExponent == 0.5 && small.federation.buffering?.maximumStaleness == 20)
        let large = try load(
            "federation.schedule=asynchronous", "federation.workers=40", "federation.workers-per-round=15")
        #expect(large.federation.buffering == BufferOptions(size: 10, concurrency: 15))
        let own = try load(
            "federation.schedule=asynchronous", "federation.buffer-size=4", "federation.staleness-exponent=1",
            "federation.maximum-staleness=0", "federation.concurrency=6")
        #expect(
            own.federation.buffering
                == BufferOptions(size: 4, stalenessExponent: 1, maximumStaleness: 0, concurrency: 6))
        #expect(try RunConfiguration(canonicalJSON: own.canonicalJSON) == own)
    }

    @Test("size counts once: in the draw, or in the weight")
    func weightCap() throws {
        #expect(try load("federation.selection=data-size").federation.weightCap == WeightCap(maximumItems: 1))
        #expect(try load("federation.selection=fair").federation.weightCap == WeightCap())
        let own = try load("federation.selection=data-size", "federation.weight-cap=none")
        #expect(own.federation.weightCap == WeightCap())
        // Where size decides nothing, there is nothing to cap.
        for other in [["federation.strategy=q-fedavg"], Refusal.scaffold, ["federation.aggregation=hetlora"]] {
            let run = try RunConfiguration(
                yaml: Minimal.yaml, overrides: ["federation.selection=data-size"] + other)
            #expect(run.federation.weightCap == WeightCap())
        }
    }

    @Test(
        "refuses what does not go together, with key and remedy",
        arguments: [
            (
                ["federation.buffer-size=4"], "not used by the synchronous schedule",
                "'federation.schedule: asynchronous'"
            ),
            (["federation.staleness-exponent=1"], "not used by the synchronous schedule", "remove it"),
            (["federation.maximum-staleness=1"], "not used by the synchronous schedule", "remove it"),
            (["federation.concurrency=4"], "not used by the synchronous schedule", "remove it"),
            (
                ["federation.over-selection=1.3", "federation.workers-per-round=8"],
                "asks 11 workers for 8 updates, but only 9 can train", "lower it"
            ),
            (
                ["federation.over-selection=2", "federation.schedule=asynchronous"], "which waits for nobody",
                "raise 'federation.concurrency'"
            ),
            (
                ["federation.deadline=1m", "federation.schedule=asynchronous"], "'federation.buffer-size'",
                "remove the key"
            ),
            (
                ["federation.aggregation=rolora", "federation.schedule=asynchronous"], "hold different parts",
                "separate, ffa-lora or fed-sb"
            ),
            (
                ["federation.strategy=q-fedavg", "federation.schedule=asynchronous"], "started from the same version",
                "fedavg, fedprox"
            ),
            (
                ["evaluation.source=workers", "federation.schedule=asynchronous"], "they never pause",
                "'evaluation.source: coordinator'"
            ),
            (
                ["federation.buffer-size=10", "federation.schedule=asynchronous"], "only 9 workers can train",
                "raise 'federation.workers'"
            ),
            (
                ["federation.concurrency=10", "federation.schedule=asynchronous"], "only 9 workers can train",
                "raise 'federation.workers'"
            ),
        ])
    func misfits(_ overrides: [String], _ reason: String, _ remedy: String) {
        let error = #expect(throws: RunFileError.self) {
            try RunConfiguration(yaml: Minimal.yaml, overrides: overrides)
        }
        #expect(error?.problems.count == 1, "\(String(describing: error))")
        #expect(error?.description.hasPrefix("--set \(overrides[0]): ") == true)
        #expect(error?.description.contains(reason) == true && error?.description.contains(remedy) == true)
    }

    @Test("names the line of a file")
    func line() {
        let yaml = Minimal.yaml + "  schedule: asynchronous\n  aggregation: rolora\n"
        let error = #expect(throws: RunFileError.self) { try RunConfiguration(yaml: yaml) }
        #expect(
            error?.description.hasPrefix("run.yaml:6: 'federation.aggregation: \"rolora\"' does not go with") == true)
    }

    @Test(
        "refuses values out of range",
        arguments: [
            "federation.over-selection=0.9", "federation.over-selection=100", "federation.selection=random",
            "federation.schedule=sometimes", "simulation.slow-share=1", "simulation.slow-share=-0.1",
            "simulation.slow-factor=0.5", "simulation.step-time=-1s",
        ])
    func ranges(_ override: String) {
        let error = #expect(throws: RunFileError.self) {
            try RunConfiguration(yaml: Minimal.yaml, overrides: [override])
        }
        #expect(error?.description.hasPrefix("--set \(override): '") == true)
    }
}
