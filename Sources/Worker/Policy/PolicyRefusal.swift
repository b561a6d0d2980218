/// The rule that declined a task.
public struct PolicyRefusal: Error, TellingError, Hashable, Sendable, CustomStringConvertible {
    public enum Rule: String, Hashable, Sendable, CaseIterable {
        case baseModels = "allow.base-models"
        case coordinators = "allow.coordinators"
        case minimumSteps = "training.minimum-steps"
        case minimumBatchSize = "training.minimum-batch-size"
        case minimumSequenceLength = "training.minimum-sequence-length"
        case minimumExamples = "training.minimum-examples"
        case require = "privacy.require"
        case maximumClip = "privacy.maximum-clip"
        case minimumNoiseMultiplier = "privacy.minimum-noise-multiplier"
        case minimumCohort = "privacy.minimum-cohort"
        case minimumExampleNoiseMultiplier = "privacy.minimum-example-noise-multiplier"
        case metrics = "metrics.allow"
        case metricsMinimumExamples = "metrics.minimum-examples"
        case epsilon = "budget.epsilon"
        case exampleEpsilon = "budget.example-epsilon"
        case maximumUpdates = "budget.maximum-updates"
        case maximumReports = "budget.maximum-reports"
        case attempts = "rounds.attempts"
        case hours = "schedule.hours"
        case power = "schedule.power"
        // Not in the file: they hold with any policy.
        case order = "rounds.order"
        case oneConfiguration = "rounds.one-configuration"
        case noDowngrade = "rounds.no-downgrade"
        case runs = "rounds.runs"
    }

    public let rule: Rule
    /// The rule's value, as the file states it; empty for one that holds with any policy.
    public let value: String
    /// Completes the sentence: what the task asks instead.
    public let instead: String
    /// What this worker has or has spent, for its own log alone; empty: nothing.
    public let here: String

    public init(_ rule: Rule, _ value: String = "", _ instead: String, here: String = "") {
        self.rule = rule
        self.value = value
        self.instead = instead
        self.here = here
    }

    /// Whether the same task may be taken at another hour, or on another source of power.
    public var isOfMoment: Bool { rule == .hours || rule == .power }

    public var description: String { here.isEmpty ? told : "\(told) (\(here))" }

    /// The rule, its limit, and what the task asks: nothing of what is here.
    var told: String {
        "the owner's policy declines: \(rule.rawValue)\(value.isEmpty ? "" : " \(value)"): \(instead)"
    }
}
