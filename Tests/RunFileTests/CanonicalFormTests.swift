import FixtureFiles
import RunFile
import Testing

@Suite("The stored form of a configuration")
struct CanonicalFormTests {
    private func load(_ name: String, overrides: [String] = []) throws -> RunConfiguration {
        try RunConfiguration.load(path: FixtureFiles.path("runfile/\(name).yaml"), overrides: overrides)
    }

    @Test("reads back as the same configuration", arguments: ["minimal", "full", "causal"])
    func roundTrip(_ name: String) throws {
        let run = try load(name)
        let restored = try RunConfiguration(canonicalJSON: run.canonicalJSON)
        #expect(restored == run)
        #expect(restored.canonicalJSON == run.canonicalJSON)
    }

    @Test("keeps awkward paths")
    func awkwardPaths() throws {
        for path in ["a \"b\" \\ c", "/ü/日本/🙂", "it's: {x} # [y]", "~", "null", "1e5", "a/b"] {
            let quoted =
                "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
            let run = try RunConfiguration(yaml: Minimal.yaml + "data: {path: \(quoted)}")
            #expect(run.data.path == path)
            #expect(try RunConfiguration(canonicalJSON: run.canonicalJSON) == run)
        }
    }

    @Test("is one line of JSON with sorted key paths")
    func format() throws {
        let text = try load("minimal").canonicalJSON
        #expect(text.hasPrefix(#"{"adapter.alpha":16,"adapter.dropout":0,"adapter.method":"lora","adapter.rank":8,"#))
        #expect(text.contains(#""federation.deadline":"none""#))
        #expect(text.contains(#""limits.lease":"30s""#))
        #expect(!text.contains("\n"))
    }

    @Test(
        "refuses what no configuration gives",
        arguments: ["", "[]", "{", #"{"adapter.ranks":8}"#, #"{"adapter.rank":0}"#])
    func damaged(_ text: String) {
        #expect(throws: RunFileError.self) { try RunConfiguration(canonicalJSON: text) }
    }

    @Test("is read where an earlier release took a combination that this one refuses")
    func earlier() throws {
        let new = try load("minimal", overrides: ["federation.schedule=asynchronous"])
        let old = new.canonicalJSON.replacing(
            #""federation.minimum-workers":1,"#, with: #""federation.minimum-workers":2,"#)
        #expect(old != new.canonicalJSON)
        let changes = new.changes(from: try RunConfiguration(canonicalJSON: old))
        #expect(changes.map(\.key) == ["federation.minimum-workers"] && changes.allSatisfy(\.mayChange))
    }

    @Test("shows which keys changed and which of them may")
    func changes() throws {
        let old = try load("causal")
        let new = try load(
            "causal",
            overrides: [
                "federation.rounds=30", "adapter.rank=16", "federation.deadline=5m", "adapter.from=adapters/x",
                "evaluation.every=2", "federation.seed=1",
            ])
        let changes = new.changes(from: old)
        #expect(
            changes.map(\.key) == [
                "adapter.from", "adapter.rank", "evaluation.every", "federation.deadline", "federation.rounds",
                "federation.seed",
            ])
        #expect(
            changes.filter(\.mayChange).map(\.key) == ["evaluation.every", "federation.deadline", "federation.rounds"])
        #expect(changes.map(\.description).contains("adapter.rank: 8 → 16"))
        #expect(changes.first?.old == nil)
        #expect(old.changes(from: old).isEmpty)
    }

    @Test("lets no key change that a published adapter depends on")
    func changeable() {
        #expect(
            RunConfiguration.changeableKeys == [
                "evaluation.every", "evaluation.gate", "evaluation.gate-attempts", "evaluation.minimum-cohort",
                "federation.buffer-size", "federation.concurrency", "federation.deadline",
                "federation.maximum-staleness", "federation.minimum-workers", "federation.over-selection",
                "federation.robust-f", "federation.rounds", "federation.staleness-exponent", "limits.heartbeat",
                "limits.lease", "limits.worker-energy", "limits.worker-time", "privacy.mask-step-deadline",
                "privacy.participations", "simulation.command-share", "simulation.slow-factor",
                "simulation.slow-share", "simulation.step-time", "training.command", "training.command-time-limit",
                "training.threads",
            ])
    }
}
