import FixtureFiles
import Foundation
import RunFile
import Testing

@Suite("The run file's JSON Schema")
struct JSONSchemaTests {
    private func schema() throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(RunConfiguration.jsonSchema().utf8))
        return try #require(object as? [String: Any])
    }

    /// Every leaf as `section.key`, with its own schema.
    private func leaves() throws -> [String: [String: Any]] {
        var leaves: [String: [String: Any]] = [:]
        let properties = try #require(try schema()["properties"] as? [String: [String: Any]])
        for (name, property) in properties {
            guard let keys = property["properties"] as? [String: [String: Any]] else {
                leaves[name] = property
                continue
            }
            for (key, leaf) in keys { leaves["\(name).\(key)"] = leaf }
        }
        return leaves
    }

    @Test("is the draft of 2020-12, refuses unknown keys and asks for those without a default")
    func shape() throws {
        let schema = try schema()
        #expect(schema["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
        #expect(schema["additionalProperties"] as? Bool == false)
        #expect(schema["required"] as? [String] == ["model", "federation"])
        #expect(try leaves().values.allSatisfy { ($0["description"] as? String)?.hasSuffix(".") == true })
    }

    @Test("gives the defaults that a minimal file takes")
    func defaults() throws {
        let minimal = try RunConfiguration.load(path: FixtureFiles.path("runfile/minimal.yaml")).canonical
        var compared = 0
        for (path, leaf) in try leaves() {
            guard let fallback = leaf["default"] else { continue }
            let value = try JSONSerialization.jsonObject(
                with: Data(try #require(minimal[path]).utf8), options: .fragmentsAllowed)
            #expect((fallback as? NSObject) == (value as? NSObject), "\(path)")
            compared += 1
        }
        // All but the required, the derived and those that may be absent.
        #expect(compared == minimal.count - 9)
    }

    @Test("knows every key of the complete example, and the example every key")
    func complete() throws {
        let full = try RunConfiguration.load(path: FixtureFiles.path("runfile/full.yaml")).canonical
        // Labels belong to classification, and strategies, schedules, aggregations, codecs, robust rules, privacy and auto
        // take their own numbers alone.
        #expect(
            Set(try leaves().keys).subtracting(full.keys) == [
                "adapter.maximum-rank", "adapter.minimum-rank", "compression.residual-decay", "data.labels",
                "federation.beta1", "federation.beta2",
                "federation.buffer-size", "federation.concurrency", "federation.lipschitz",
                "federation.maximum-staleness", "federation.q", "federation.staleness-exponent",
                "federation.residual-rank", "federation.robust-f", "federation.robust-norm", "federation.robust-share",
                "federation.robust-tail", "federation.tau", "privacy.clip", "privacy.clip-count-noise",
                "privacy.clip-quantile", "privacy.clip-rate", "privacy.clipping", "privacy.delta", "privacy.epsilon",
                "privacy.example-clip", "privacy.example-noise-multiplier",
                "privacy.mask-clip", "privacy.mask-corrupt", "privacy.mask-dropout", "privacy.mask-levels",
                "privacy.mask-minimum-cohort", "privacy.mask-step-deadline", "privacy.noise-multiplier",
                "privacy.participations", "privacy.separation", "simulation.command-share", "training.command",
            ])
        #expect(Set(full.keys).isSubset(of: try leaves().keys))
    }
}
