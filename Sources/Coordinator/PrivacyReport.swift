public import Federation

/// What a run has promised its workers, and how much of it is spent: read from the ledger, whether or not a coordinator
/// is running.
public struct PrivacyReport: Sendable {
    public var run: RunID
    public var terms: PrivacyTerms
    /// Epsilon of what was spent on the worker who paid most, by ``PrivacyLossAccountant``.
    public var epsilonSpent: Double
    /// The same by ``RenyiAccountant``; by ``SkellamAccountant`` both, where workers share the noise.
    public var epsilonSpentRenyi: Double
    /// Entries on that worker: releases that were paid for.
    public var steps: Int
    /// Of them, entries of rounds that were never published: a crash came in between, or an attempt was repeated.
    public var unreleased: Int
    /// More rounds like the last that fit.
    public var stepsLeft: Int
    public var publishedRounds: Int
    /// Clips of the first and of the next round.
    public var nextClip: Double
    /// Noise of the workers: what each worker that was ever asked has spent, in name order; central noise costs all alike.
    public var workers: [(name: WorkerName, steps: Int, epsilon: Double)]
    /// Whether the workers' keys in the ledger are more than the promise was planned for.
    public var enrolled: Int

    /// All rounds that the budget pays for, the spent ones included: the same throughout a run, as its steps are alike.
    public var stepsInAll: Int { steps + stepsLeft }

    /// - Parameter stepsInAll: From an earlier report of the same run: to find it out anew takes seconds.
    /// - Returns: `nil` for a run without differential privacy.
    public init?(ledger: Ledger, stepsInAll: Int? = nil) throws {
        guard let record = try ledger.run() else { throw LedgerError.noRun }
        guard let terms = try ledger.privacyTerms() else { return nil }
        run = record.id
        self.terms = terms
        let budget = terms.budget
        let step = try SampledGaussian(samplingRate: terms.samplingRate, noiseMultiplier: terms.noiseMultiplier)
        let spent = try ledger.privacySpentByWorker()
        workers = try spent.compactMap { name, steps in
            guard let name else { return nil }
            return (name, steps.values.reduce(0, +), try budget.spent(steps))
        }.sorted { $0.name < $1.name }
        // All steps of a run are alike, so the worker with the most has paid most.
        let most = spent.values.max { $0.values.reduce(0, +) < $1.values.reduce(0, +) } ?? [:]
        epsilonSpent = try budget.spent(most)
        epsilonSpentRenyi = try budget.spentRenyi(most)
        steps = most.values.reduce(0, +)
        unreleased = try ledger.privacyEntries().count { !$0.isReleased }
        if let stepsInAll {
            stepsLeft = max(0, stepsInAll - steps)
        } else {
            stepsLeft = try budget.left(step, after: most, limit: 100_000)
        }
        publishedRounds = try ledger.currentAdapter()?.version ?? 0
        nextClip = try ledger.clip(after: publishedRounds) ?? terms.clip
        enrolled = try ledger.enrolledWorkers().count
    }
}

extension Ledger {
    /// Epsilon of what was spent on the worker who paid most.
    public func epsilonSpent(_ terms: PrivacyTerms) throws -> Double {
        let most = try privacySpentByWorker().values.max { $0.values.reduce(0, +) < $1.values.reduce(0, +) }
        return try terms.budget.spent(most ?? [:])
    }
}
