internal import Coordinator
internal import Federation
internal import ModelFiles

// MARK: - What must hold of a privacy budget, whatever goes wrong
extension FaultSchedule {
    /// Whether the run stands still because its budget pays for no further round.
    var isBudgetSpent: Bool {
        guard plan.kind == .noised, let ledger, let control = try? ledger.control() else { return false }
        return control.cause?.contains("overspend the privacy budget") == true
    }

    /// What was spent once stays spent, never more than the budget is, and is paid before anything comes of it.
    func checkBudget() throws {
        guard plan.kind == .noised, let ledger else { return }
        let entries = try ledger.privacyEntries()
        guard entries.count <= plan.paidReleases else {
            throw Violation("noise was paid for \(entries.count) times, the budget is for \(plan.paidReleases)")
        }
        let paid = entries.map { ObservedRun.Payment(round: $0.round, attempt: $0.attempt, content: $0.content) }
        guard Set(paid).count == paid.count else { throw Violation("the same noise was paid for twice") }
        guard paid.starts(with: observed.paid) else { throw Violation("what was spent of the budget is gone") }
        observed.paid = paid
    }

    /// A published round's noise: paid for, of the promised size, and of no other round.
    func checkNoised(_ round: Int, _ attempt: Int, _ values: [Float], sum: [Double]) throws {
        try checkBudget()
        guard observed.paid.contains(where: { $0.round == round && $0.attempt == attempt }) else {
            throw Violation("round \(round) was published with noise that nobody paid for")
        }
        let divisor = Double(plan.workersPerRound)
        let steps = zip(values, observed.versions[round - 1].values).map { Double($0) - Double($1) }
        if observed.velocity.isEmpty { observed.velocity = Array(repeating: 0, count: values.count) }
        let noise = values.indices.map { index in
            let carried = plan.hasMomentum ? ObservedRun.momentum * observed.velocity[index] : 0
            return steps[index] - carried - sum[index] / divisor
        }
        observed.velocity = steps
        // Nine deviations of so many values: once in 10¹⁷ rounds.
        guard let terms = try ledger?.privacyTerms(),
            noise.allSatisfy({ value in
                abs(value) < 9 * terms.noiseMultiplier * terms.clip / divisor
            })
        else { throw Violation("round \(round) has other noise than was promised: \(noise)") }
        guard noise.allSatisfy({ $0 != 0 }) else { throw Violation("round \(round) was published without noise") }
        for (before, other) in observed.noise.enumerated()
        where zip(noise, other).allSatisfy({ abs($0 - $1) < 1e-4 }) {
            throw Violation("round \(round) has the noise of round \(before + 1)")
        }
        observed.noise.append(noise)
    }
}
