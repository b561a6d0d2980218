import Federation
import Recipe
import RunFile
import Testing

@Suite("A run file's strategy")
struct StrategyKeyTests {
    private func load(_ overrides: String...) throws -> RunConfiguration {
        try RunConfiguration(yaml: Minimal.yaml, overrides: overrides)
    }

    @Test(
        "has the papers' defaults",
        arguments: [
            ("fedavg", ServerStrategy.fedAvg), ("fedprox", .fedAvg), ("fednova", .fedNova(localMomentum: 0)),
            ("fedavgm", .fedAvgM(learningRate: 1, momentum: 0.5)),
            ("diloco", .diLoCo(learningRate: 0.7, momentum: 0.9)),
            ("fedadam", .fedAdam(AdaptiveOptions(learningRate: 0.01, beta1: 0.9, beta2: 0.99, tau: 1e-3))),
            ("fedyogi", .fedYogi(AdaptiveOptions(learningRate: 0.01, beta1: 0.9, beta2: 0.99, tau: 1e-3))),
            ("fedadagrad", .fedAdagrad(AdaptiveOptions(learningRate: 0.01, beta1: 0.9, tau: 1e-3))),
            ("q-fedavg", .qFedAvg(q: 0.2, lipschitz: 1)),
        ])
    func defaults(_ name: String, _ strategy: ServerStrategy) throws {
        let run = try load("federation.strategy=\(name)")
        #expect(run.serverStrategy == strategy)
        #expect(run.training.proximal == (name == "fedprox" ? 0.01 : nil))
        #expect(try RunConfiguration(canonicalJSON: run.canonicalJSON) == run)
    }

    @Test("takes its own numbers")
    func numbers() throws {
        #expect(
            try load(
                "federation.strategy=fedyogi", "federation.server-learning-rate=0.1", "federation.beta1=0",
                "federation.beta2=0.5", "federation.tau=0.01"
            ).serverStrategy
                == .fedYogi(AdaptiveOptions(learningRate: 0.1, beta1: 0, beta2: 0.5, tau: 0.01)))
        #expect(
            try load("federation.strategy=diloco", "federation.server-momentum=0.5").serverStrategy
                == .diLoCo(learningRate: 0.7, momentum: 0.5))
        #expect(
            try load(
                "federation.strategy=q-fedavg", "federation.q=0", "training.optimizer=sgd",
                "training.learning-rate=0.25"
            ).serverStrategy == .qFedAvg(q: 0, lipschitz: 4))
        #expect(
            try load("federation.strategy=fednova", "training.optimizer=sgd", "training.momentum=0.9").serverStrategy
                == .fedNova(localMomentum: 0.9))
        #expect(try load("federation.strategy=fedavgm", "training.proximal=0.5").training.proximal == 0.5)
        #expect(try load("federation.aggregation=rolora").federation.aggregation == .roLoRA)
    }

    @Test(
        "refuses numbers that it does not use, naming key, strategy and remedy",
        arguments: [
            (["federation.server-learning-rate=1"], "not used by strategy 'fedavg'", "fedavgm, fedadam"),
            (["federation.server-momentum=0.9", "federation.strategy=fedadam"], "'fedadam'", "fedavgm, diloco"),
            (["federation.beta2=0.9", "federation.strategy=fedadagrad"], "'fedadagrad'", "fedadam, fedyogi"),
            (["federation.beta1=0.9", "federation.strategy=diloco"], "'diloco'", "fedadam, fedyogi, fedadagrad"),
            (["federation.tau=0.1"], "'fedavg'", "remove it"), (["federation.q=1"], "'fedavg'", "q-fedavg"),
            (["federation.lipschitz=1", "federation.strategy=fednova"], "'fednova'", "q-fedavg"),
            (["federation.weight-cap=5", "federation.strategy=q-fedavg"], "weighs workers by their loss", "remove"),
            (["training.local-steps=1", "federation.strategy=fedprox"], "has no gradient", "raise it"),
            (["training.proximal=1", "training.local-steps=1"], "has no gradient", "remove the term"),
        ])
    func misfits(_ overrides: [String], _ reason: String, _ remedy: String) {
        let error = #expect(throws: RunFileError.self) {
            try RunConfiguration(yaml: Minimal.yaml, overrides: overrides)
        }
        #expect(error?.problems.count == 1)
        #expect(error?.description.hasPrefix("--set ") == true)
        #expect(error?.description.contains(reason) == true && error?.description.contains(remedy) == true)
    }

    @Test(
        "refuses numbers out of range",
        arguments: [
            "federation.server-learning-rate=0", "federation.server-momentum=1", "federation.beta1=-0.1",
            "federation.tau=0", "federation.q=20", "federation.q=-1", "federation.lipschitz=0",
            "training.proximal=0", "federation.strategy=sgd", "federation.aggregation=mean",
        ])
    func ranges(_ override: String) {
        let error = #expect(throws: RunFileError.self) {
            try RunConfiguration(yaml: Minimal.yaml, overrides: [override])
        }
        #expect(error?.description.hasPrefix("--set \(override): '") == true)
        #expect(error?.description.contains(" must be ") == true)
    }
}
