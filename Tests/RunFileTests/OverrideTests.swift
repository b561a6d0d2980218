import Recipe
import RunFile
import Testing

@Suite("Overrides")
struct OverrideTests {
    @Test("win over the file, the last over those before it")
    func order() throws {
        let run = try RunConfiguration(
            yaml: Minimal.yaml + "adapter: {rank: 2}",
            overrides: ["adapter.rank=4", "federation.seed=7", "adapter.rank=16"])
        #expect(run.adapter.rank == 16)
        #expect(run.federation.seed == 7)
    }

    @Test("supply what the file lacks")
    func complete() throws {
        let run = try RunConfiguration(
            yaml: "{}", overrides: ["model=built-in", "federation.workers=3", "federation.rounds=2"])
        #expect(run.model == .builtIn)
        #expect(run.federation.workers == 3)
    }

    @Test("name a chat template, or leave it to the model")
    func chatTemplate() throws {
        let run = try RunConfiguration(yaml: Minimal.yaml, overrides: ["data.chat-template=llama-3"])
        #expect(run.training.chatTemplate == .llama3)
        #expect(run.canonical["data.chat-template"] == "\"llama-3\"")
        let plain = try RunConfiguration(yaml: Minimal.yaml)
        #expect(plain.training.chatTemplate == nil && plain.canonical["data.chat-template"] == nil)
        #expect(throws: RunFileError.self) {
            try RunConfiguration(yaml: Minimal.yaml, overrides: ["data.chat-template=mistral"])
        }
    }

    @Test("read YAML values")
    func values() throws {
        let run = try RunConfiguration(
            yaml: Minimal.yaml,
            overrides: [
                "adapter.targets=[q_proj, v_proj]", "data.partition={label-dirichlet: 0.1}", "training.clip-norm=none",
                "training.learning-rate=3e-3",
            ])
        #expect(run.adapter.targets == .named(["q_proj", "v_proj"]))
        #expect(run.data.partition == .labelDirichlet(0.1))
        #expect(run.training.clipNorm == nil)
        #expect(run.training.learningRate == 0.003)
    }

    @Test("take regular expressions and mappings of them")
    func expressions() throws {
        let run = try RunConfiguration(
            yaml: Minimal.yaml,
            overrides: [
                #"adapter.targets=.*\.[qv]_proj"#, "adapter.exclude=[lm_head]",
                #"adapter.rank-pattern={'\d+\.q_proj': 4, v_proj: 2}"#, "adapter.alpha-pattern={q_proj: 8}",
            ])
        #expect(run.adapter.targets == .pattern(#".*\.[qv]_proj"#))
        #expect(run.adapter.exclusion == .named(["lm_head"]))
        #expect(run.adapter.rankPattern == [#"\d+\.q_proj"#: 4, "v_proj": 2])
        #expect(run.adapter.alphaPattern == ["q_proj": 8])
        #expect(try RunConfiguration(canonicalJSON: run.canonicalJSON) == run)
    }

    @Test(
        "take a path as it stands, unless it is quoted",
        arguments: [
            ("/a b/#1: {x}", "/a b/#1: {x}"), ("*.jsonl", "*.jsonl"), ("a=b", "a=b"), ("'quoted #1'", "quoted #1"),
            ("[x", "[x"), ("123", "123"),
        ])
    func paths(_ text: String, _ path: String) throws {
        #expect(try RunConfiguration(yaml: Minimal.yaml, overrides: ["data.path=\(text)"]).data.path == path)
        #expect(try RunConfiguration(yaml: Minimal.yaml, overrides: ["model=\(text)"]).model == .directory(path))
    }

    @Test(
        "are named when they are wrong",
        arguments: [
            ("adapter.ranks=8", "--set adapter.ranks=8: unknown key 'adapter.ranks'; did you mean 'adapter.rank'?"),
            ("rank=8", "--set rank=8: unknown key 'rank'; did you mean 'adapter.rank'?"),
            ("adapter={rank: 8}", "--set adapter={rank: 8}: 'adapter' is a section; set one of its keys"),
            ("adapter.rank", "--set adapter.rank: must be written key.path=VALUE"),
            ("=8", "--set =8: must be written key.path=VALUE"), ("", "--set : must be written key.path=VALUE"),
            ("privacy.epsilom=1", "--set privacy.epsilom=1: unknown key 'privacy.epsilom'"),
        ])
    func wrong(_ override: String, _ message: String) {
        let error = #expect(throws: RunFileError.self) {
            try RunConfiguration(yaml: Minimal.yaml, overrides: [override])
        }
        #expect(error?.problems.count == 1)
        #expect(error?.description.hasPrefix(message) == true)
    }

    @Test("that are no YAML are refused", arguments: ["[1", "{a", "&", "*x", "a: b: c", "\"", "---\na\n---\nb"])
    func malformed(_ value: String) {
        let error = #expect(throws: RunFileError.self) {
            try RunConfiguration(yaml: Minimal.yaml, overrides: ["adapter.rank=\(value)"])
        }
        #expect(error?.problems.allSatisfy { $0.location.hasPrefix("--set adapter.rank=") } == true)
    }
}
