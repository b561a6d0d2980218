import Coordinator
import Federation

/// `GET /api/v1/privacy`: what the run has promised its workers, and how much of it is spent.
package struct PrivacyAnswer: Codable, Hashable, Sendable {
    /// `none`, `central`, `dp-ftrl`, `local` or `distributed`; everything below is absent for `none`.
    package var mechanism: String
    /// The budget.
    package var epsilon: Double?
    package var delta: Double?
    /// By whoever paid most.
    package var epsilonSpent: Double?
    /// Releases behind it, and of them those that were paid for and never published.
    package var steps: Int?
    package var unreleased: Int?
    /// More rounds like the last that fit.
    package var stepsLeft: Int?
    package var noiseMultiplier: Double?
    package var samplingRate: Double?
    package var clip: Double?
    /// Whether coins and noise come from the run's seed: a simulation, which protects nobody.
    package var isSeeded: Bool?
    /// Workers that the promise was planned for.
    package var workers: Int?

    init(_ report: PrivacyReport?) {
        guard let report else {
            mechanism = "none"
            return
        }
        mechanism = report.terms.mechanism.rawValue
        epsilon = report.terms.epsilon
        delta = report.terms.delta
        epsilonSpent = report.epsilonSpent
        steps = report.steps
        unreleased = report.unreleased
        stepsLeft = report.stepsLeft
        noiseMultiplier = report.terms.noiseMultiplier
        samplingRate = report.terms.samplingRate
        clip = report.nextClip
        isSeeded = report.terms.isSeeded
        workers = report.terms.workers
    }
}
