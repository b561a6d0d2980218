import RunFile
import Testing

@Suite("A run file's trainer command and limits on workers")
struct CommandKeyTests {
    private func load(_ overrides: String...) throws -> RunConfiguration {
        try RunConfiguration(yaml: Minimal.yaml, overrides: overrides)
    }

    @Test("takes a program with its arguments in their order, repeated ones too")
    func command() throws {
        let run = try load(
            "training.command=[python3, trainer.py, a, a]", "training.command-time-limit=20m",
            "simulation.command-share=0.5")
        #expect(run.trainerCommand == ["python3", "trainer.py", "a", "a"])
        #expect(run.trainerTimeLimit == .seconds(1_200) && run.simulation.commandShare == 0.5)
        #expect(try RunConfiguration(canonicalJSON: run.canonicalJSON) == run)
    }

    @Test(
        "refuses what is no command",
        arguments: ["training.command=trainer.py", "training.command=[]", "training.command=[a, [b]]"])
    func noCommand(_ override: String) {
        #expect(throws: RunFileError.self) { try load(override) }
    }

    @Test("takes limits on what a worker spends")
    func limits() throws {
        let run = try load("limits.worker-time=90m", "limits.worker-energy=2.5e5")
        #expect(run.limits.workerTime == .seconds(5_400) && run.limits.workerEnergy == 250_000)
    }

    @Test(
        "refuses what does not go together, with key and remedy",
        arguments: [
            (["simulation.command-share=0.5"], "only with 'training.command'", "remove it"),
            (["training.command=[a]", "federation.aggregation=fed-sb"], "beside the base model", "choose separate"),
            (["training.command=[a]", "federation.aggregation=flora"], "beside the base model", "choose separate"),
            (["training.command=[a]", "federation.aggregation=fedex-lora"], "beside the base", "choose separate"),
            (
                ["training.command=[a]", "federation.strategy=scaffold", "training.optimizer=sgd"], "control variates",
                "choose another strategy"
            ),
            (["training.command=[a]", "training.proximal=0.1"], "proximal term", "remove it"),
            (
                [
                    "training.command=[a]", "federation.personalisation=local-adapter", "evaluation.source=workers",
                    "compression.uplink=dense",
                ], "trains one adapter", "remove 'federation.personalisation'"
            ),
            (
                ["limits.worker-time=1h", "privacy.metrics=withheld"], "keeps it with them",
                "remove 'limits.worker-time'"
            ),
            (
                ["limits.worker-energy=5", "federation.schedule=asynchronous"], "no moment between rounds",
                "remove 'limits.worker-energy'"
            ),
        ])
    func misfits(_ overrides: [String], _ reason: String, _ remedy: String) {
        let error = #expect(throws: RunFileError.self) {
            try RunConfiguration(yaml: Minimal.yaml, overrides: overrides)
        }
        #expect(error?.problems.count == 1, "\(String(describing: error))")
        #expect(error?.description.contains(reason) == true && error?.description.contains(remedy) == true)
    }

    @Test("limits go by what workers tell, which privacy and masks keep from the coordinator")
    func untold() {
        for protection in [
            ["privacy.mechanism=central", "privacy.epsilon=8", "privacy.delta=1e-5", "privacy.clip=1"],
            ["privacy.secure-aggregation=true", "privacy.mask-clip=1"],
        ] {
            let error = #expect(throws: RunFileError.self) {
                try RunConfiguration(yaml: Minimal.yaml, overrides: ["limits.worker-time=1h"] + protection)
            }
            #expect(error?.description.contains("'limits.worker-time' goes by what workers tell") == true)
        }
    }
}
