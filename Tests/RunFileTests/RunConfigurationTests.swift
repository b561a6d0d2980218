import Federation
import FixtureFiles
import Recipe
import RunFile
import Testing

@Suite("Reading a run file")
struct RunConfigurationTests {
    @Test("takes every key of the complete example")
    func full() throws {
        let run = try RunConfiguration.load(path: FixtureFiles.path("runfile/full.yaml"))
        #expect(run.model == .directory("models/smollm2-135m"))
        #expect(run.task == .causalLM)
        #expect(
            run.adapter
                == AdapterOptions(
                    method: .lora, rank: 4, alpha: 8.5, scaling: .rankStabilised, dropout: 0.05,
                    targets: .named(["q_proj", "v_proj"]), exclusion: .pattern(#".*\.0\..*"#),
                    rankPattern: ["q_proj": 2, #"layers\.(1|2)\..*v_proj"#: 16], alphaPattern: ["v_proj": 0.5])
        )
        let other = try RunConfiguration.load(
            path: FixtureFiles.path("runfile/full.yaml"), overrides: ["adapter.method=dora", "adapter.dropout=0"])
        #expect(other.adapter.method == .dora)
        #expect(run.adapterFrom == "adapters/yesterday")
        #expect(run.data.path == "data/rows.jsonl")
        #expect(run.data.testPath == "data/held out #1.jsonl")
        #expect(run.data.partition == .labelDirichlet(0.5))
        var training = TrainingOptions(
            localSteps: 20, batchSize: 4, accumulationSteps: 2, sequenceLength: 256, optimizer: .sgd,
            learningRate: 0.003, schedule: .cosine, warmupSteps: 30, totalSteps: 100, weightDecay: 0.01,
            beta1: 0.8, beta2: 0.99, epsilon: 1e-6, momentum: 0.9, clipNorm: nil, prepacks: true, proximal: 0.25,
            chatTemplate: .zephyr)
        training.localEpochs = 1.5
        #expect(run.training == training)
        #expect(run.trainingThreads == 2)
        #expect(run.federation.workers == 40)
        #expect(run.federation.rounds == 5)
        #expect(run.federation.workersPerRound == 10)
        #expect(run.federation.minimumWorkers == 7)
        #expect(run.federation.deadlineSeconds == 5_400)
        #expect(run.federation.seed == 9_223_372_036_854_775_807)
        #expect(run.federation.weightCap == WeightCap(maximumItems: 500))
        #expect(run.serverStrategy == .diLoCo(learningRate: 0.5, momentum: 0.8))
        #expect(run.federation.aggregation == .ffaLoRA)
        #expect(run.federation.workersAsked == 13 && run.federation.selection == .fair)
        #expect(run.federation.schedule == .synchronous)
        #expect(run.simulation.slowShare == 0.25 && run.simulation.slowFactor == 4)
        #expect(run.simulation.stepTime == .milliseconds(20))
        #expect(run.trainerTimeLimit == .seconds(1_200))
        #expect(run.limits.workerTime == .seconds(10_800) && run.limits.workerEnergy == 500_000)
        #expect(run.compression == RunConfigurationTests.dense(run.compression))
        #expect(run.limits.leaseSeconds == 120)
        #expect(run.limits.heartbeatSeconds == 0.5)
        #expect(run.evaluation.every == 0)
        #expect(run.evaluation.source == .heldOutWorkers)
        #expect(run.evaluation.minimumCohort == 4)
        #expect(run.evaluation.heldOutWorkers == 5)
    }

    private static func dense(_ given: CompressionOptions) -> CompressionOptions {
        var dense = given
        dense.uplink = CodecName(name: "dense")
        dense.downlink = CodecName(name: "dense")
        return dense
    }

    @Test("fills in the recipe's own defaults")
    func defaults() throws {
        let run = try RunConfiguration.load(path: FixtureFiles.path("runfile/minimal.yaml"))
        #expect(run.model == .builtIn)
        #expect(run.task == .causalLM)
        #expect(run.adapter == AdapterOptions())
        #expect(run.training == TrainingOptions(totalSteps: 30))
        #expect(run.trainingThreads == nil)
        #expect(run.trainerCommand.isEmpty && run.trainerTimeLimit == .seconds(3_600))
        #expect(run.limits.workerTime == nil && run.limits.workerEnergy == nil && run.simulation.commandShare == nil)
        #expect(run.adapterFrom == nil && run.data.path == nil && run.data.testPath == nil && run.data.labels.isEmpty)
        #expect(run.data.partition == .worker)
        #expect(run.federation.workersPerRound == 9)
        #expect(run.federation.minimumWorkers == 5)
        #expect(run.federation.deadline == nil && run.federation.weightCap == WeightCap() && run.federation.seed == 0)
        #expect(run.evaluation.every == 1 && run.evaluation.source == .coordinator)
        #expect(run.evaluation.minimumCohort == 3 && run.evaluation.heldOutWorkers == 0)
        #expect(run.limits.lease == .seconds(30) && run.limits.heartbeat == .seconds(2))
    }

    @Test("asks all workers that are not held out")
    func heldOutDefault() throws {
        let run = try RunConfiguration(
            yaml: "{model: m, federation: {workers: 9, rounds: 1}, "
                + "evaluation: {source: held-out-workers, held-out-workers: 4}}")
        #expect(run.federation.workersPerRound == 5)
        #expect(run.federation.minimumWorkers == 3)
    }

    @Test(
        "feeds errors back for biased codecs unless told otherwise",
        arguments: [
            ("dense", false), ("eden:bits=2", false), ("ternary:density=0.01", true), ("topk", true), ("int8", true),
        ])
    func errorFeedback(_ codec: String, _ expected: Bool) throws {
        let uplink = "compression.uplink=\(codec)"
        #expect(try RunConfiguration(yaml: Minimal.yaml, overrides: [uplink]).compression.errorFeedback == expected)
        let decay = try RunConfiguration(yaml: Minimal.yaml, overrides: [uplink]).compression.residualDecay
        #expect(decay == (expected ? 0.95 : nil))
        let off = [uplink, "compression.error-feedback=false"]
        #expect(try !RunConfiguration(yaml: Minimal.yaml, overrides: off).compression.errorFeedback)
    }

    @Test("reads the causal example")
    func causal() throws {
        let run = try RunConfiguration.load(path: FixtureFiles.path("runfile/causal.yaml"))
        #expect(run.training.totalSteps == 200)
        #expect(run.training.learningRate == 0.003)
        #expect(run.evaluation.every == 5)
    }

    @Test(
        "a run that takes no loss goes with all that no worker's loss may leave",
        arguments: [
            [], ["federation.aggregation=fedsa"], ["federation.personalisation=local-adapter"],
            ["federation.schedule=asynchronous"],
            ["privacy.secure-aggregation=true", "privacy.mask-clip=0.1", "federation.weight-cap=1"],
            [
                "privacy.mechanism=central", "privacy.epsilon=4", "privacy.delta=1e-5", "privacy.clip=1",
                "federation.deadline=1m",
            ],
        ])
    func unevaluated(_ settings: [String]) throws {
        let run = try RunConfiguration(yaml: Minimal.yaml, overrides: settings + ["evaluation.source=none"])
        #expect(run.evaluation.source == .nobody && !run.evaluation.source.isOfWorkers)
    }

    @Test(
        "treats a section without keys as left out", arguments: ["privacy:", "privacy: {}", "data: ~", "limits: null"])
    func emptySection(_ line: String) throws {
        #expect(try RunConfiguration(yaml: Minimal.yaml + line) == RunConfiguration(yaml: Minimal.yaml))
    }

    @Test(
        "reads durations in every unit",
        arguments: [("1s", 1), ("90s", 90), ("1500ms", 1.5), ("2.5m", 150), ("2h", 7_200)])
    func durations(_ text: String, _ seconds: Double) throws {
        let run = try RunConfiguration(yaml: Minimal.yaml, overrides: ["federation.deadline=\(text)"])
        #expect(run.federation.deadlineSeconds == seconds)
    }

    @Test("resolves an alias")
    func alias() throws {
        let yaml = "model: m\nfederation: {workers: &n 4, rounds: *n}"
        #expect(try RunConfiguration(yaml: yaml).federation.rounds == 4)
    }
}

/// The smallest run file, ended by a line break so that a test can add to it.
enum Minimal {
    static let yaml = "model: m\nfederation:\n  workers: 9\n  rounds: 3\n"
}
