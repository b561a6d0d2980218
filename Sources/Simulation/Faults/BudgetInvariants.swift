internal import Coordinator
internal import Federation
internal import ModelFiles
internal import SecureAggregation
internal import Wire

// MARK: - What must hold of a privacy budget, whatever goes wrong
extension FaultSchedule {
    /// The noise of a round's mean.
    struct PromisedNoise {
        /// What the sum is divided by.
        let divisor: Double
        /// Standard deviation on every value.
        let deviation: Double
    }

    /// Whether the run stands still because no budget pays for a further round.
    var isBudgetSpent: Bool {
        guard plan.kind == .noised || plan.isPaidByWorker, let ledger, let control = try? ledger.control() else {
            return false
        }
        return control.cause?.contains("would overspend") == true
    }

    /// What was spent once stays spent, never more than the budget is, and is paid before anything comes of it.
    func checkBudget() throws {
        guard plan.kind == .noised || plan.isPaidByWorker, let ledger else { return }
        let entries = try ledger.privacyEntries()
        for (payer, paid) in Dictionary(grouping: entries, by: \.worker) where paid.count > plan.paidReleases {
            throw Violation(
                "noise was paid for \(paid.count) times by \(payer?.text ?? "the run"), the budget is for "
                    + "\(plan.paidReleases)")
        }
        let paid = entries.map {
            ObservedRun.Payment(round: $0.round, attempt: $0.attempt, worker: $0.worker, content: $0.content)
        }
        guard Set(paid).count == paid.count else { throw Violation("the same noise was paid for twice") }
        guard paid.starts(with: observed.paid) else { throw Violation("what was spent of the budget is gone") }
        observed.paid = paid
    }

    /// Who shares the noise has paid for it before the coordinator asks for an update.
    func checkPaid(_ envelope: Envelope, by worker: WorkerName) throws {
        guard plan.isPaidByWorker else { return }
        try checkBudget()
        let (round, attempt) = (Int(envelope.round), Int(envelope.attempt))
        guard observed.paid.contains(where: { ($0.round, $0.attempt, $0.worker) == (round, attempt, worker) }) else {
            throw Violation("\(worker) was asked in round \(round), attempt \(attempt), and has not paid for its noise")
        }
    }

    /// - Parameter survivors: How many updates the sum has.
    /// - Returns: `nil` for a run without noise.
    func promisedNoise(of survivors: Int) throws -> PromisedNoise? {
        guard plan.kind == .noised || plan.isPaidByWorker, let terms = try ledger?.privacyTerms() else { return nil }
        guard plan.isPaidByWorker, let lattice = terms.lattice else {
            let divisor = Double(plan.workersPerRound)
            return PromisedNoise(divisor: divisor, deviation: terms.noiseMultiplier * terms.clip / divisor)
        }
        // Each adds a share that suffices where only the fewest honest ones are left.
        let shares = Double(survivors) / Double(terms.minimumHonest)
        let sum = terms.noiseMultiplier * lattice.norm * plan.masking.quantisation.step * shares.squareRoot()
        return PromisedNoise(divisor: Double(survivors), deviation: sum / Double(survivors))
    }

    /// A published round's noise: paid for, of the promised size, and of no other round.
    func checkNoised(
        _ round: Int, _ attempt: Int, _ values: [Float], sum: [Double], _ promised: PromisedNoise
    ) throws {
        try checkBudget()
        guard observed.paid.contains(where: { $0.round == round && $0.attempt == attempt }) else {
            throw Violation("round \(round) was published with noise that nobody paid for")
        }
        let steps = zip(values, observed.versions[round - 1].values).map { Double($0) - Double($1) }
        if observed.velocity.isEmpty { observed.velocity = Array(repeating: 0, count: values.count) }
        let noise = values.indices.map { index in
            let carried = plan.hasMomentum ? ObservedRun.momentum * observed.velocity[index] : 0
            return steps[index] - carried - sum[index] / promised.divisor
        }
        observed.velocity = steps
        // Nine deviations of so many values: once in 10¹⁷ rounds. A share's rounding adds up to a step.
        guard noise.allSatisfy({ abs($0) < 9 * promised.deviation + (plan.isMasked ? 3e-3 : 0) }) else {
            throw Violation("round \(round) has other noise than was promised: \(noise)")
        }
        guard noise.contains(where: { abs($0) > promised.deviation / 100 }) else {
            throw Violation("round \(round) was published without noise")
        }
        for (before, other) in observed.noise.enumerated()
        where zip(noise, other).allSatisfy({ abs($0 - $1) < 1e-4 }) {
            throw Violation("round \(round) has the noise of round \(before + 1)")
        }
        observed.noise.append(noise)
    }
}
