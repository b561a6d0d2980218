internal import ModelFiles

/// One row of the table of a policy file's keys: reading, unknown keys and the JSON Schema come from it.
struct PolicyKey: Sendable {
    /// `section.key`
    let path: String
    let kind: ValueKind
    /// One line for people: what the rule refuses and in which unit.
    let summary: String
    /// What an absent key means, where that is a rule of its own.
    let fallback: SettingValue?
    /// Takes the value over; `false` if it is not of the key's form, which ``expectation`` then describes.
    let write: @Sendable (inout OwnerPolicy, SettingValue) -> Bool
    /// Completes "must be …".
    let expectation: String

    init<Value: SettingRepresentable>(
        _ path: String, _ kind: ValueKind, at place: any WritableKeyPath<OwnerPolicy, Value?> & Sendable,
        _ summary: String
    ) {
        self.init(path, kind, summary) { policy, setting in
            policy[keyPath: place] = Value(setting: setting)
            return true
        }
    }

    init(
        _ path: String, _ kind: ValueKind, _ summary: String, fallback: SettingValue? = nil,
        expectation: String? = nil, write: @escaping @Sendable (inout OwnerPolicy, SettingValue) -> Bool
    ) {
        self.path = path
        self.kind = kind
        self.summary = summary
        self.fallback = fallback
        self.expectation = expectation ?? kind.expectation
        self.write = write
    }

    var section: String { path.split(separator: ".").first.map(String.init) ?? path }
    var name: String { path.split(separator: ".").last.map(String.init) ?? path }
}

extension PolicyKey {
    static let sections: [(name: String, summary: String)] = [
        ("allow", "Who may ask, and for which model."),
        ("training", "The least that one round must be: small ones tell most of single texts."),
        ("privacy", "What must be done to an update before it leaves."),
        ("metrics", "What may be told beside an update."),
        ("budget", "What may be spent on this worker's data in all runs together, as the worker itself counts it."),
        ("rounds", "How often the same may be asked."),
        ("schedule", "When this machine may work."),
    ]

    static let all = allowKeys + trainingKeys + privacyKeys + metricKeys + budgetKeys + scheduleKeys

    static func key(_ path: String) -> PolicyKey? { all.first { $0.path == path } }

    private static let count = ValueKind.integer(1...1_000_000_000)

    private static let allowKeys = [
        PolicyKey(
            "allow.base-models", .textList,
            "Hashes of the base models that may be trained on, as `shoal run show` and a worker's log print them.",
            expectation: "a list of base models' hashes, 64 hexadecimal digits each"
        ) { policy, setting in
            guard case .list(let texts) = setting else { return false }
            let hashes = texts.compactMap { ContentHash($0) }
            policy.baseModels = Set(hashes)
            return hashes.count == texts.count
        },
        PolicyKey(
            "allow.coordinators", .textList,
            "Public keys of the coordinators that may ask: coordinatorKey of the join file.",
            expectation: "a list of coordinators' public keys, 40 characters of Z85 each"
        ) { policy, setting in
            guard case .list(let texts) = setting else { return false }
            policy.coordinators = Set(texts)
            return texts.allSatisfy { $0.utf8.count == 40 }
        },
        PolicyKey(
            "allow.trainer", .boolean, "Whether another program may train in place of the native trainer (--trainer).",
            fallback: .boolean(false)
        ) { policy, setting in
            guard case .boolean(let value) = setting else { return false }
            policy.allowsTrainer = value
            return true
        },
    ]

    private static let trainingKeys = [
        PolicyKey(
            "training.minimum-steps", count, at: \.minimumSteps,
            "Least optimiser steps of a round: an update of one step is a gradient."),
        PolicyKey(
            "training.minimum-batch-size", count, at: \.minimumBatchSize,
            "Least blocks or examples behind one optimiser step, batch-size times accumulation-steps."),
        PolicyKey(
            "training.minimum-sequence-length", count, at: \.minimumSequenceLength,
            "Least length of a block. Unit: tokens."),
        PolicyKey(
            "training.minimum-examples", count, at: \.minimumExamples,
            "Least blocks or examples that this worker must have to train on."),
    ]

    private static let privacyKeys = [
        PolicyKey(
            "privacy.require", .choices(OwnerPolicy.Protection.allCases.map(\.rawValue)),
            "What every update must have: clip (a largest norm), local-noise (this worker's own), masks (secure "
                + "aggregation), example-noise (on gradients of single examples)."
        ) { policy, setting in
            guard case .list(let words) = setting else { return false }
            policy.required = Set(words.compactMap { OwnerPolicy.Protection(rawValue: $0) })
            return true
        },
        PolicyKey(
            "privacy.maximum-clip", .number(.positive), at: \.maximumClip,
            "Largest norm to which an update may be clipped here; without a clip nothing leaves."),
        PolicyKey(
            "privacy.minimum-noise-multiplier", .number(.positive), at: \.minimumNoiseMultiplier,
            "Least standard deviation of this worker's noise over its clip."),
        PolicyKey(
            "privacy.minimum-example-noise-multiplier",
            .number(.positive), at: \.minimumExampleNoiseMultiplier,
            "Least standard deviation of the noise on gradients of single examples over their clip."),
        PolicyKey(
            "privacy.minimum-cohort", .integer(2...1_000_000), at: \.minimumCohort,
            "Least number of workers whose masked updates are summed before anything of them can be read."),
    ]

    private static let metricKeys = [
        PolicyKey(
            "metrics.allow", .either([.choices(OwnerPolicy.Metric.allCases.map(\.rawValue)), .choice(["none"])]),
            "What may be told beside an update; the rest is withheld. Default: all, but none where an update's noise or masks "
                + "would hide less than figures without any tell.",
            expectation: "none, or " + ValueKind.choices(OwnerPolicy.Metric.allCases.map(\.rawValue)).expectation
        ) { policy, setting in
            switch setting {
            case .text("none"): policy.metrics = []
            case .list(let words): policy.metrics = Set(words.compactMap { OwnerPolicy.Metric(rawValue: $0) })
            default: return false
            }
            return true
        },
        PolicyKey(
            "metrics.minimum-examples", .integer(0...1_000_000_000),
            "With fewer blocks or examples behind them, no metrics are told.", fallback: .integer(10)
        ) { policy, setting in
            guard case .integer(let value) = setting else { return false }
            policy.metricsMinimumExamples = value
            return true
        },
    ]

    private static let budgetKeys = [
        PolicyKey(
            "budget.epsilon", .number(.positive), at: \.epsilon,
            "Most epsilon that all noisy updates together may cost this worker's data."),
        PolicyKey(
            "budget.example-epsilon", .number(.positive), at: \.exampleEpsilon,
            "Most epsilon that all trainings together may cost any one block or example here."),
        PolicyKey(
            "budget.delta", .number(.delta), at: \.delta,
            "Probability that the guarantee of budget.epsilon, or of budget.example-epsilon, fails."),
        PolicyKey(
            "budget.maximum-updates", .integer(0...1_000_000_000), at: \.maximumUpdates,
            "Most updates; beside a budget.epsilon, which pays for the others, most updates without noise of this worker's "
                + "own. Absent: none of these beside a budget.epsilon, else any number."),
        PolicyKey(
            "budget.maximum-reports", .integer(0...1_000_000_000), at: \.maximumReports,
            "Most evaluations of this worker's held-out split that are answered."),
    ]

    private static let scheduleKeys = [
        PolicyKey(
            "rounds.attempts", .integer(1...1_000), "How often one round may be trained, whatever the reason.",
            fallback: .integer(3)
        ) { policy, setting in
            guard case .integer(let value) = setting else { return false }
            policy.attempts = value
            return true
        },
        PolicyKey(
            "schedule.hours", .textList, "Hours in which tasks are taken, local time: [\"22:00-06:00\"].",
            expectation: "a list of hours written like \"22:00-06:00\""
        ) { policy, setting in
            guard case .list(let texts) = setting else { return false }
            let hours = texts.compactMap { DayHours($0) }
            policy.hours = hours
            return hours.count == texts.count
        },
        PolicyKey(
            "schedule.power", .choice(OwnerPolicy.Power.allCases.map(\.rawValue)),
            "Whether tasks are taken on battery.", fallback: .text("any")
        ) { policy, setting in
            guard case .text(let word) = setting, let power = OwnerPolicy.Power(rawValue: word) else { return false }
            policy.power = power
            return true
        },
    ]
}
