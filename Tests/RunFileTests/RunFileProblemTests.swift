import FixtureFiles
import Recipe
import RunFile
import Testing

@Suite("Refusing a run file")
struct RunFileProblemTests {
    private func problems(_ yaml: String, overrides: [String] = []) -> [String] {
        do {
            _ = try RunConfiguration(yaml: yaml, overrides: overrides)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test("names every mistake of a file at once, with its line and remedy")
    func allAtOnce() {
        let error = #expect(throws: RunFileError.self) {
            try RunConfiguration.load(path: FixtureFiles.path("runfile/wrong.yaml"))
        }
        #expect(
            error?.description.split(separator: "\n").map(String.init) == [
                "wrong.yaml:4: unknown key 'ranks' in 'adapter'; did you mean 'rank'?",
                "wrong.yaml:5: 'adapter.alpha' must be a number above 0, not -1",
                "wrong.yaml:7: 'training.batch-size' must be a whole number from 1 to 65536, not eight",
                "wrong.yaml:8: 'training.learning-rate' must be a number above 0, not .nan",
                "wrong.yaml:12: 'federation.workers-per-round' is 10, but only 4 can train; lower it or raise "
                    + "'federation.workers'",
                "wrong.yaml:13: 'federation.deadline' must be a duration from 1s to 720h, written like 500ms, 90s, 5m or "
                    + "2h or `none`, not 90",
                "wrong.yaml:15: 'compression.uplink' must be a codec, NAME[:key=value,…], NAME one of bfloat16, "
                    + "dense, eden, int8, ternary, topk, trellis, not zip",
                "wrong.yaml:17: unknown key 'epsilom' in 'privacy'; did you mean 'epsilon'?",
            ])
    }

    @Test("takes a classification run, and refuses one with the built-in model")
    func classification() throws {
        let path = FixtureFiles.path("runfile/classification.yaml")
        let run = try RunConfiguration.load(path: path)
        #expect(run.task == .classification && run.training.classNames == ["negative", "positive"])
        #expect(run.training.balancesClasses)
        let error = #expect(throws: RunFileError.self) {
            try RunConfiguration.load(path: path, overrides: ["model=built-in"])
        }
        #expect(error?.description.contains("needs an encoder") == true)
    }

    @Test(
        "refuses values out of range or of another type",
        arguments: [
            "adapter.rank=0", "adapter.rank=-1", "adapter.rank=8.0", "adapter.rank='8'", "adapter.rank=0x10",
            "adapter.rank=010", "adapter.rank=1_0", "adapter.rank=[8]", "adapter.rank=", "adapter.rank=~",
            "adapter.rank=99999999999999999999", "adapter.alpha=0", "adapter.alpha=.inf", "adapter.alpha=1e999",
            "adapter.alpha=0x1p3", "adapter.alpha=nan", "adapter.dropout=1", "adapter.dropout=-0.1",
            "adapter.method=qlora", "adapter.targets=[]", "adapter.targets=[a, a]", "adapter.targets=[a, [b]]",
            "adapter.exclude=head", "adapter.exclude=[]", "adapter.rank-pattern={}", "adapter.rank-pattern={q: 0}",
            "adapter.rank-pattern={q: 1.5}", "adapter.rank-pattern=[q]", "adapter.alpha-pattern={q: none}",
            "adapter.alpha-pattern={q: 0}", "adapter.alpha-pattern=4",
            "adapter.targets=some", "training.batch-size=0", "training.sequence-length=1", "training.local-steps=0",
            "training.learning-rate=-0.1", "training.learning-rate=0", "training.beta1=1", "training.clip-norm=0",
            "training.clip-norm=never", "training.precision=float16", "training.threads=0", "training.optimizer=Adam",
            "federation.seed=-1", "federation.workers=0", "federation.rounds=0", "federation.deadline=0s",
            "federation.deadline=5 minutes", "federation.deadline=-5s", "federation.deadline=1.0005s",
            "federation.deadline=.5s", "federation.deadline=1e3s", "federation.deadline=99999999999999999999h",
            "federation.weight-cap=0", "compression.uplink=dense:", "compression.residual-decay=1.1",
            "data.partition={label-dirichlet: 0}", "data.partition={dirichlet: 1}", "data.partition={}",
            "data.partition={label-dirichlet: 1, even: 1}", "data.partition=random", "evaluation.every=-1",
            "evaluation.gate=-0.1", "evaluation.gate=never", "evaluation.gate-attempts=0",
            "limits.heartbeat=1ms", "limits.lease=none", "model=", "data.path=",
        ])
    func values(_ override: String) {
        let found = problems(Minimal.yaml, overrides: [override])
        #expect(found.count == 1)
        #expect(found.allSatisfy { $0.hasPrefix("--set \(override): '") && $0.contains(" must be ") })
    }

    @Test(
        "says what is wrong inside a value",
        arguments: [
            ("compression.uplink", "eden:bits=9", "codec 'eden': bits must be a whole number from 1 to 8, not 9"),
            ("compression.downlink", "ternary:density=2", "density must be a number above 0 and at most 1, not 2"),
            ("compression.uplink", "dense:bits=4", "codec 'dense' has no parameter 'bits'; remove it"),
            ("adapter.rank", "[0, 4]", "item 1 must be a whole number from 1 to 4096, not 0"),
            ("adapter.rank", "[4, 8, many]", "item 3 must be a whole number from 1 to 4096, not many"),
        ])
    func inside(_ key: String, _ value: String, _ reason: String) {
        let shown = value.hasPrefix("[") ? "a list" : value
        let found = problems(Minimal.yaml, overrides: ["\(key)=\(value)"])
        #expect(found.count == 1)
        #expect(found.allSatisfy { $0.contains("'\(key)' cannot be \(shown): ") && $0.hasSuffix(reason) }, "\(found)")
    }

    @Test("a problem that shows only with the model names the line of the first key that was set")
    func laterRefusals() throws {
        let run = try RunConfiguration(
            yaml: Minimal.yaml + "adapter:\n  rank: 4\n", name: "night.yaml",
            overrides: ["training.sequence-length=64"])
        #expect(
            run.refusal(of: ["adapter.targets", "adapter.rank"], "too large").description
                == "night.yaml:6: too large")
        #expect(run.refusal(of: ["adapter.targets"], "none").description == "night.yaml: none")
        #expect(
            run.refusal(of: ["training.sequence-length"], "too long").description
                == "--set training.sequence-length=64: too long")
        #expect(try run == RunConfiguration(canonicalJSON: run.canonicalJSON))
    }

    @Test(
        "refuses what cannot work together, at the key that was given",
        arguments: [
            (["federation.workers-per-round=10"], "only 9 can train"),
            (["federation.minimum-workers=5", "federation.workers-per-round=4"], "lower the minimum"),
            (["evaluation.source=held-out-workers"], "needs 'evaluation.held-out-workers'"),
            (["evaluation.held-out-workers=2"], "set that source or remove the key"),
            (
                [
                    "evaluation.held-out-workers=3", "evaluation.source=held-out-workers",
                    "federation.workers-per-round=7",
                ], "only 9 workers less 3 held out can train"
            ),
            (["evaluation.held-out-workers=2", "evaluation.source=held-out-workers"], "only 2 workers report"),
            (["evaluation.minimum-cohort=10", "evaluation.source=workers"], "only 9 workers report"),
            (["evaluation.gate=0.05", "evaluation.every=2"], "set 'evaluation.every: 1'"),
            (["evaluation.gate=0.05", "evaluation.source=workers"], "set 'evaluation.source: coordinator'"),
            (["training.warmup-steps=30"], "the run has only 30 steps"),
            (["training.momentum=0.9"], "set 'training.optimizer: sgd'"),
            (["adapter.method=dora", "adapter.dropout=0.1"], "remove it or set 'adapter.method: lora'"),
            (
                ["federation.aggregation=flora", "compression.uplink=ternary:density=0.1"],
                "set 'compression.error-feedback: false'"
            ),
            (["limits.heartbeat=20s"], "must be at least twice 'limits.heartbeat'"),
            (["compression.error-feedback=true"], "needs a biased codec, and dense is unbiased"),
            (["compression.error-feedback=true", "compression.uplink=eden:bits=4"], "eden:bits=4 is unbiased"),
            (["data.labels=[a, b]"], "used only with 'task: classification'"),
            (["training.balance-classes=true"], "used only with 'task: classification'; remove it"),
        ])
    func combinations(_ overrides: [String], _ remedy: String) {
        let found = problems(Minimal.yaml, overrides: overrides)
        #expect(found.count == 1)
        #expect(found.allSatisfy { $0.contains(remedy) && $0.hasPrefix("--set ") })
    }

    @Test("refuses holding out every worker")
    func nobodyTrains() {
        let found = problems(
            Minimal.yaml, overrides: ["evaluation.source=held-out-workers", "evaluation.held-out-workers=9"])
        #expect(found.count == 1)
        #expect(found.allSatisfy { $0.contains("no worker is left to train") })
    }

    @Test("concludes nothing from a value that could not be read")
    func noCascade() {
        let found = problems("model: m\nfederation: {workers: many, rounds: 3, workers-per-round: 10}")
        #expect(found == ["run.yaml:2: 'federation.workers' must be a whole number from 1 to 1000000, not many"])
    }

    @Test("names missing keys and where they go")
    func missing() {
        let found = problems("task: causal-lm")
        #expect(found.count == 3)
        #expect(found.first?.hasPrefix("run.yaml: 'model' is missing; add `model:`") == true)
        #expect(found.last?.contains("'federation.rounds' is missing; add `rounds:` under `federation:`") == true)
    }

    @Test(
        "suggests the key that was meant",
        arguments: [
            ("modle: x", "did you mean 'model'?"), ("federaton: {}", "did you mean 'federation'?"),
            ("rank: 8", "did you mean 'adapter.rank'?"),
            ("training: {learning_rate: 1}", "did you mean 'learning-rate'?"),
            ("evaluation: {rounds: 1}", "did you mean 'federation.rounds'?"),
            ("limits: {colour: red}", "known: heartbeat, lease"), ("<<: {model: x}", "unknown key '<<'"),
        ])
    func suggestions(_ line: String, _ suggestion: String) {
        let found = problems(Minimal.yaml + line)
        #expect(found.count == 1)
        #expect(found.allSatisfy { $0.hasPrefix("run.yaml:5: unknown key") && $0.contains(suggestion) })
    }

    @Test("refuses a key given twice")
    func duplicates() {
        #expect(
            problems(Minimal.yaml + "adapter:\n  rank: 4\n  'rank': 8\n").map { $0.contains("more than once") } == [
                true
            ])
        #expect(problems(Minimal.yaml + "model: other").map { $0.hasPrefix("run.yaml:1: key 'model'") } == [true])
    }
}
