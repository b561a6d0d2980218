public import ModelFiles

/// What a data owner lets a worker do, whatever a coordinator asks: `policy.yaml`, as ``PolicyKey``'s table describes it.
///
/// A rule that the file does not state is absent here and allows everything.
public struct OwnerPolicy: Hashable, Sendable {
    /// What must be done to an update before it leaves.
    public enum Protection: String, Hashable, Sendable, CaseIterable {
        case clip
        case localNoise = "local-noise"
        case masks
        /// On gradients of single examples, in the training itself.
        case exampleNoise = "example-noise"
    }

    /// What a worker says beside its update.
    public enum Metric: String, Hashable, Sendable, CaseIterable {
        case trainingLoss = "training-loss"
        /// The size of its training set.
        case trainingItems = "training-items"
        /// Tokens trained on.
        case tokens
        /// The losses of its held-out split, which an evaluation asks for.
        case heldOutLoss = "held-out-loss"
        /// How long training took, and the energy that it used.
        case cost
    }

    public enum Power: String, Hashable, Sendable, CaseIterable {
        case any
        case mainsOnly = "mains-only"
    }

    /// The base models that may be trained on; `nil`: any.
    public var baseModels: Set<ContentHash>?
    /// CURVE public keys of the coordinators that may ask, Z85; `nil`: any that the join file names.
    public var coordinators: Set<String>?

    /// Whether a program of the owner's may train in place of the native trainer.
    public var allowsTrainer = false

    /// Optimiser steps of a round.
    public var minimumSteps: Int?
    /// Blocks or examples behind one optimiser step.
    public var minimumBatchSize: Int?
    /// Unit: tokens.
    public var minimumSequenceLength: Int?
    /// Blocks or examples that this worker trains on.
    public var minimumExamples: Int?

    public var required: Set<Protection> = []
    /// Largest norm of an update that leaves.
    public var maximumClip: Double?
    /// Standard deviation of this worker's noise over its clip.
    public var minimumNoiseMultiplier: Double?
    /// Standard deviation of the noise on gradients of single examples over their clip.
    public var minimumExampleNoiseMultiplier: Double?
    /// Workers whose masked updates are summed before anything of them can be read.
    public var minimumCohort: Int?

    public var metrics = Set(Metric.allCases)
    /// With fewer blocks or examples behind them, no metrics leave.
    public var metricsMinimumExamples = 10

    /// Of this worker's whole data, over all runs, as the worker counts it.
    public var epsilon: Double?
    public var delta: Double?
    /// Of any one example, over all runs, as the worker counts it.
    public var exampleEpsilon: Double?
    /// Updates without noise of this worker's own, over all runs.
    public var maximumUpdates: Int?
    /// Evaluations answered, over all runs.
    public var maximumReports: Int?

    /// How often one round may be trained.
    public var attempts = 3

    /// Local time; `nil`: always.
    public var hours: [DayHours]?
    public var power = Power.any

    public init() {}

    /// Whether an update that leaves tells less than exact figures would: those stay here then.
    public var hidesUpdates: Bool {
        epsilon != nil || exampleEpsilon != nil || !required.isDisjoint(with: [.localNoise, .masks, .exampleNoise])
    }
}

/// A part of every day, from its first minute until before its last, which may lie behind midnight.
public struct DayHours: Hashable, Sendable {
    /// Minutes since midnight.
    public let start: Int
    public let end: Int

    /// Reads `22:00-06:00`; `nil` for anything else, and for hours that begin when they end.
    public init?(_ text: String) {
        let sides = text.split(separator: "-", omittingEmptySubsequences: false)
        guard sides.count == 2, let start = Self.minute(sides[0]), let end = Self.minute(sides[1]), start != end else {
            return nil
        }
        self.start = start
        self.end = end
    }

    /// - Parameter minute: Since midnight, local time.
    public func contains(minute: Int) -> Bool {
        start < end ? minute >= start && minute < end : minute >= start || minute < end
    }

    private static func minute(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2,
            parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { (48...57).contains($0) } }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), minute < 60, hour < 24 || hour == 24 && minute == 0
        else { return nil }
        return 60 * hour + minute
    }

    /// For a JSON Schema.
    static let pattern = "^([01][0-9]|2[0-4]):[0-5][0-9]-([01][0-9]|2[0-4]):[0-5][0-9]$"
}

extension DayHours: CustomStringConvertible {
    public var description: String { "\(Self.text(start))-\(Self.text(end))" }

    private static func text(_ minute: Int) -> String {
        [minute / 60, minute % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
    }
}
