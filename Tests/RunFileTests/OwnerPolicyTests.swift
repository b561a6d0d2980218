import FixtureFiles
import Foundation
import ModelFiles
import RunFile
import Testing

@Suite("An owner's policy file")
struct OwnerPolicyTests {
    private func problems(_ yaml: String) -> [String] {
        do {
            _ = try OwnerPolicy(yaml: yaml)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test("the complete example gives every rule its value")
    func complete() throws {
        let policy = try OwnerPolicy.load(path: Self.ownCopy(of: FixtureFiles.path("runfile/policy.yaml")))
        let hash = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
        #expect(policy.baseModels?.map(\.description) == [hash + hash])
        #expect(policy.coordinators == ["rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"])
        #expect(policy.minimumSteps == 5 && policy.minimumBatchSize == 4)
        #expect(policy.minimumSequenceLength == 32 && policy.minimumExamples == 50)
        #expect(policy.required == [.clip, .localNoise, .masks, .exampleNoise])
        #expect(policy.minimumExampleNoiseMultiplier == 0.7 && policy.exampleEpsilon == 3)
        #expect(policy.maximumClip == 2 && policy.minimumNoiseMultiplier == 0.5 && policy.minimumCohort == 20)
        #expect(policy.metrics.isEmpty && policy.allowsTrainer && policy.metricsMinimumExamples == 25)
        #expect(policy.epsilon == 8 && policy.delta == 1e-5)
        #expect(policy.maximumUpdates == 3 && policy.maximumReports == 40 && policy.attempts == 2)
        #expect(policy.hours?.map(\.description) == ["22:00-06:00", "12:30-13:15"])
        #expect(policy.power == .mainsOnly)
        #expect(policy.sentences.count == 23)
        #expect(policy.sentences.contains("only one named coordinator is obeyed"))
        #expect(policy.sentences.contains("only one named base model is trained on"))
    }

    @Test("the complete example knows every key, and so does the schema")
    func schema() throws {
        let text = try String(contentsOfFile: FixtureFiles.path("runfile/policy.yaml"), encoding: .utf8)
        let object = try JSONSerialization.jsonObject(with: Data(OwnerPolicy.jsonSchema().utf8)) as? [String: Any]
        let sections = try #require(object?["properties"] as? [String: [String: Any]])
        var paths: [String] = []
        for (section, schema) in sections {
            #expect(schema["additionalProperties"] as? Bool == false)
            let keys = try #require(schema["properties"] as? [String: [String: Any]])
            for (key, leaf) in keys {
                paths.append("\(section).\(key)")
                #expect((leaf["description"] as? String)?.contains(".") == true)
                #expect(text.contains("\n  \(key):"), "the example lacks \(section).\(key)")
            }
        }
        #expect(paths.sorted() == OwnerPolicy.keyPaths.sorted())
    }

    @Test("one rule alone leaves all others open, with the defaults that hold with any policy")
    func defaults() throws {
        let policy = try OwnerPolicy(yaml: "training: {minimum-steps: 2}\nprivacy:\n")
        var expected = OwnerPolicy()
        expected.minimumSteps = 2
        #expect(policy == expected)
        #expect(policy.attempts == 3 && policy.metricsMinimumExamples == 10)
        #expect(policy.metrics.count == OwnerPolicy.Metric.allCases.count)
        #expect(try OwnerPolicy(yaml: "metrics: {allow: none}").metrics.isEmpty && !policy.allowsTrainer)
    }

    @Test(
        "where noise or masks hide an update, no exact figure leaves beside it",
        arguments: [
            ("privacy: {require: [local-noise]}", true), ("privacy: {require: [masks]}", true),
            ("privacy: {require: [example-noise]}", true), ("budget: {epsilon: 2, delta: 1e-5}", true),
            ("privacy: {require: [clip]}", false), ("budget: {maximum-updates: 5}", false),
        ])
    func hiddenFigures(_ yaml: String, _ hides: Bool) throws {
        #expect(try OwnerPolicy(yaml: yaml).metrics.isEmpty == hides)
        let problems = problems(yaml + "\nmetrics: {allow: [held-out-loss]}")
        #expect(problems.isEmpty != hides)
        #expect(
            problems.allSatisfy {
                $0.hasPrefix("policy.yaml:2: 'metrics.allow' lets out exact figures") && $0.hasSuffix("or write none")
            })
    }

    @Test(
        "what cannot be meant is refused with its line and the remedy",
        arguments: [
            ("training:\n  minimum-step: 5", "policy.yaml:2: unknown key 'minimum-step' in 'training'; did you mean"),
            ("trainig:\n  minimum-steps: 5", "policy.yaml:1: unknown key 'trainig'; did you mean 'training'?"),
            ("privacy:\n  minimum-steps: 5", "policy.yaml:2: unknown key 'minimum-steps' in 'privacy'; did you mean"),
            ("external: {commands: true}", "policy.yaml:1: unknown key 'external'; known: allow, budget"),
            ("training: {minimum-steps: 0}", "policy.yaml:1: 'training.minimum-steps' must be a whole number from 1"),
            ("training: {minimum-steps: }", "'training.minimum-steps' has no value; it must be a whole number"),
            (
                "privacy:\n  require: [masks, clips]",
                "policy.yaml:2: 'privacy.require' must be a list of different words"
            ),
            ("privacy: {minimum-cohort: 9}", "'privacy.minimum-cohort' needs masks in 'privacy.require'"),
            ("privacy: {minimum-noise-multiplier: 1}", "needs local-noise in 'privacy.require'; add it"),
            ("allow: {base-models: [abc]}", "'allow.base-models' must be a list of base models' hashes, 64 hex"),
            ("allow: {coordinators: [abc]}", "'allow.coordinators' must be a list of coordinators' public keys, 40"),
            (
                "metrics: {allow: [text]}",
                "'metrics.allow' must be none, or a list of different words out of `training-"
            ),
            ("budget: {epsilon: 8}", "policy.yaml:1: 'budget.epsilon' needs 'budget.delta', such as 1e-5; add it"),
            ("budget: {delta: 1e-5}", "'budget.delta' means nothing without 'budget.epsilon'; add it or remove this"),
            ("schedule: {hours: [\"22:00-22:00\"]}", "'schedule.hours' must be a list of hours written like"),
            ("schedule: {hours: [\"22-6\"]}", "'schedule.hours' must be a list of hours written like"),
            ("schedule: {hours: [\"9:00-10:60\"]}", "'schedule.hours' must be a list of hours written like"),
            ("schedule: {power: solar}", "'schedule.power' must be one of `any`, `mains-only`, not solar"),
            ("", "policy.yaml: is empty: it allows everything; state a rule, or leave --policy out"),
            ("- a", "policy.yaml:1: must be a mapping of sections such as `training:` and `privacy:`, not a list"),
        ])
    func refused(_ yaml: String, _ words: String) {
        let problems = problems(yaml)
        #expect(problems.count == 1 && problems.first?.contains(words) == true, "\(problems)")
    }

    @Test("every problem is told at once, in the file's order")
    func several() {
        let problems = problems("budget: {epsilon: x}\ntraining:\n  foo: 1\n  minimum-steps: -1\nother: 1")
        #expect(problems.map { String($0.prefix(14)) } == [1, 3, 4, 5].map { "policy.yaml:\($0):" })
    }

    @Test(
        "a file that others may change is refused",
        arguments: [(0o600, true), (0o644, true), (0o664, false), (0o646, false)])
    func permissions(_ mode: Int, _ isTaken: Bool) throws {
        let folder = ScratchFolder()
        let path = folder.file("policy.yaml")
        try Data("training: {minimum-steps: 2}".utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        let policy = Result { try OwnerPolicy.load(path: path) }
        switch policy {
        case .success: #expect(isTaken)
        case .failure(let error):
            #expect(!isTaken)
            #expect("\(error)".contains("may be changed by others; run: chmod go-w '\(path)'"))
        }
    }

    @Test(
        "hours hold from their first minute until before their last, over midnight too",
        arguments: [
            ("22:00-06:00", [1_320, 1_439, 0, 359], [360, 720, 1_319]),
            ("08:30-17:00", [510, 1_019], [509, 1_020, 0, 1_439]),
            ("12:00-24:00", [720, 1_439], [719, 0]), ("00:00-24:00", [0, 1_439], []),
        ])
    func hours(_ text: String, _ inside: [Int], _ outside: [Int]) throws {
        let hours = try #require(DayHours(text))
        #expect(hours.description == text)
        #expect(inside.allSatisfy { hours.contains(minute: $0) })
        #expect(!outside.contains { hours.contains(minute: $0) })
    }

    /// A checkout's files may be writable by its group.
    private static func ownCopy(of path: String) throws -> String {
        let copy = NSTemporaryDirectory() + "shoal-policy-\(UUID().uuidString).yaml"
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: copy)
        return copy
    }
}
