public import ModelFiles
internal import RunFile
public import Federation

/// What has left a worker so far, and what each run has asked: all that a policy's decision depends on beside the task.
///
/// Its size depends on the number of runs, not of rounds. What was spent is never given back.
public struct OwnerStanding: Hashable, Codable, Sendable {
    /// Updates with noise of one strength.
    struct Noised: Hashable, Codable, Sendable {
        var noiseMultiplier: Double
        var updates: Int
    }

    /// What one run has asked.
    struct Run: Hashable, Codable, Sendable {
        /// The newest round that was trained.
        var round: Int
        var attempt: Int
        /// Of that attempt, hexadecimal.
        var configuration: String
        /// How often that round was trained.
        var trainings: Int
        /// SHA-256 of the newest update that left, before its codec; `nil` before the first.
        var update: String?
        // The strongest protection that the run has had: it never gets less.
        var isClipped: Bool
        var noiseMultiplier: Double
        var cohort: Int
        var withholdsMetrics: Bool
        var features: [String]
        // Absent in what earlier releases wrote.
        var maskCorrupt: Double?
        var maskDropout: Double?
        var sharedNoiseMultiplier: Double?
        var exampleNoiseMultiplier: Double?
    }

    var version = 1
    var noised: [Noised] = []
    /// Updates without noise of this worker's own.
    var unprotected = 0
    var reports = 0
    var runs: [String: Run] = [:]

    static let runsMax = 1_024

    public init() {}

    /// The noisy updates, as an accountant counts them: this worker takes part in every round that it is asked for, so
    /// nothing is hidden by sampling.
    public var steps: [SampledGaussian: Int] {
        noised.reduce(into: [:]) { steps, entry in
            guard let step = Self.step(entry.noiseMultiplier) else { return }
            steps[step, default: 0] += entry.updates
        }
    }

    /// With noise and without.
    var updates: Int { noised.reduce(unprotected) { $0 + $1.updates } }

    /// `nil` for noise that is too little to guarantee anything.
    static func step(_ noiseMultiplier: Double) -> SampledGaussian? {
        try? SampledGaussian(samplingRate: 1, noiseMultiplier: noiseMultiplier)
    }
}

extension OwnerStanding {
    /// A training task is begun.
    public mutating func begin(_ terms: OfferTerms) {
        let before = runs[terms.run]
        runs[terms.run] = Run(
            round: terms.round, attempt: terms.attempt, configuration: terms.configuration.description,
            trainings: before?.round == terms.round ? (before?.trainings ?? 0) + 1 : 1, update: before?.update,
            isClipped: terms.isClipped || before?.isClipped == true,
            noiseMultiplier: max(terms.noiseMultiplier, before?.noiseMultiplier ?? 0),
            cohort: max(terms.cohort ?? 0, before?.cohort ?? 0),
            withholdsMetrics: terms.withholdsMetrics || before?.withholdsMetrics == true,
            features: terms.features.union(before?.features ?? []).sorted(),
            maskCorrupt: terms.cohort == nil ? before?.maskCorrupt : max(terms.maskCorrupt, before?.maskCorrupt ?? 0),
            maskDropout: terms.cohort == nil ? before?.maskDropout : max(terms.maskDropout, before?.maskDropout ?? 0),
            sharedNoiseMultiplier: max(terms.sharedNoiseMultiplier, before?.sharedNoiseMultiplier ?? 0),
            exampleNoiseMultiplier: max(terms.exampleNoiseMultiplier, before?.exampleNoiseMultiplier ?? 0))
    }

    /// An update is about to leave. The very update that left last costs nothing more: its noise is the same too.
    ///
    /// - Parameter update: What the codec gets.
    public mutating func release(_ update: ContentHash, of run: String, noiseMultiplier: Double) {
        guard runs[run]?.update != update.description else { return }
        runs[run]?.update = update.description
        guard Self.step(noiseMultiplier) != nil else {
            unprotected += 1
            return
        }
        if let index = noised.firstIndex(where: { $0.noiseMultiplier == noiseMultiplier }) {
            noised[index].updates += 1
        } else {
            noised.append(Noised(noiseMultiplier: noiseMultiplier, updates: 1))
        }
    }

    /// The losses of the held-out split are about to leave.
    public mutating func report() { reports += 1 }
}
