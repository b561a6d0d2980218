import Federation
import Recipe
import RunFile
import Testing

@Suite("What a run file lets workers keep for themselves")
struct PersonalKeyTests {
    private func load(_ overrides: [String]) throws -> RunConfiguration {
        try RunConfiguration(yaml: Minimal.yaml, overrides: overrides)
    }

    /// What a run is set to before a misfit is added.
    enum Start {
        case plain, scaffold, fedSA, local, core

        var overrides: [String] {
            switch self {
            case .plain: []
            case .scaffold: ["federation.strategy=scaffold", "training.optimizer=sgd"]
            case .fedSA: ["federation.aggregation=fedsa", "evaluation.source=workers"]
            case .local: ["federation.personalisation=local-adapter", "evaluation.source=workers"]
            case .core: ["federation.aggregation=fed-sb"]
            }
        }
    }

    @Test("SCAFFOLD with SGD, FedSA-LoRA and local adapters evaluated by workers")
    func accepted() throws {
        let run = try load(Start.scaffold.overrides + ["federation.server-learning-rate=0.5", "federation.workers=6"])
        #expect(run.serverStrategy == .scaffold(learningRate: 0.5, workers: 6))
        let heldOut = try load(
            Start.scaffold.overrides + [
                "federation.workers=6", "evaluation.source=held-out-workers", "evaluation.held-out-workers=2",
                "evaluation.minimum-cohort=1",
            ])
        #expect(heldOut.serverStrategy == .scaffold(learningRate: 1, workers: 4))
        #expect(try RunConfiguration(canonicalJSON: run.canonicalJSON) == run)
        #expect(try load(Start.fedSA.overrides).federation.aggregation == .fedSA)
        let local = try load(Start.local.overrides)
        #expect(local.federation.personalisation == .localAdapter)
        #expect(try RunConfiguration(canonicalJSON: local.canonicalJSON) == local)
        #expect(try load([]).federation.personalisation == .none)
        #expect(try load(["federation.aggregation=fed-sb"]).federation.aggregation == .fedSB)
        #expect(try load(Start.local.overrides + Start.scaffold.overrides).federation.strategy == .scaffold)
    }

    @Test(
        "refuses what they do not go with, naming the setting and the remedy",
        arguments: [
            (Start.plain, "federation.strategy=scaffold", "AdamW", "'training.optimizer: sgd'"),
            (.scaffold, "training.momentum=0.9", "momentum lengthens", "remove 'training.momentum'"),
            (.scaffold, "training.proximal=0.1", "by itself", "remove 'training.proximal'"),
            (.scaffold, "federation.weight-cap=5", "counts all workers alike", "remove 'federation.weight-cap'"),
            (.scaffold, "federation.aggregation=rolora", "the same values", "separate, ffa-lora or fed-sb"),
            (.scaffold, "compression.uplink=ternary:density=0.1", "error feedback", "(dense, eden)"),
            (.plain, "federation.aggregation=fedsa", "nobody else can evaluate", "'evaluation.source: workers'"),
            (
                .plain, "federation.personalisation=local-adapter", "nobody else can evaluate",
                "'evaluation.source: workers'"
            ),
            (.fedSA, "adapter.method=dora", "magnitudes", "'adapter.method: lora'"),
            (.local, "adapter.method=dora", "magnitudes", "'adapter.method: lora'"),
            (.core, "adapter.method=dora", "dora", "'adapter.method: lora'"),
            (.core, "adapter.from=a", "from the base model", "remove 'adapter.from'"),
            (.local, "federation.aggregation=fed-sb", "local adapters", "remove 'federation.personalisation'"),
            (.local, "federation.aggregation=fedsa", "personal by itself", "remove 'federation.personalisation'"),
        ])
    func misfits(_ start: Start, _ override: String, _ reason: String, _ remedy: String) {
        let error = #expect(throws: RunFileError.self) { try load(start.overrides + [override]) }
        #expect(error?.problems.count == 1)
        #expect(error?.description.hasPrefix("--set ") == true)
        #expect(error?.description.contains(reason) == true && error?.description.contains(remedy) == true)
    }

    @Test("held-out workers have no model of their own either, and a file's line is named")
    func heldOut() {
        let error = #expect(throws: RunFileError.self) {
            try RunConfiguration(
                yaml: """
                    model: built-in
                    data: {path: built-in}
                    federation:
                      workers: 8
                      rounds: 1
                      aggregation: fedsa
                    evaluation:
                      source: held-out-workers
                      held-out-workers: 3
                    """, name: "run.yaml")
        }
        #expect(error?.description.hasPrefix("run.yaml:8: ") == true)
        #expect(error?.description.contains("'evaluation.source: workers'") == true)
    }
}
