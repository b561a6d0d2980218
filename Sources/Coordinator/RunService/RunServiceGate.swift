import Federation
import ModelFiles
import Wire

/// What a closed round came to, before anybody has seen it.
struct Candidate {
    let plan: RoundPlan
    let updates: [CountedUpdate]
    let adapter: GlobalAdapter
    /// What leads to it, for workers; `nil` where adapters travel whole.
    let change: [UInt8]?
    /// After the round.
    let optimizerState: ServerOptimizerState
    /// Of what aggregation adds to the base; `nil` for one that adds nothing.
    let truncation: ResidualTruncation?
    /// Of each update to what they became, where a robust rule tells.
    let distances: [Double]?
    /// Where the coordinator adds noise, what the next round clips to.
    let nextClip: Double?
    /// The noise, where that of later rounds depends on it.
    let correlatedNoise: [Double]?
}

// MARK: - The quality gate
extension RunService {
    /// Holds a candidate back until its held-out loss is known.
    ///
    /// Nothing of it is on disk or served meanwhile. A process killed here finds the round open with all its updates and
    /// computes the same candidate.
    ///
    /// - Returns: Whether there is a gate to pass.
    func holdForGate(_ candidate: Candidate) throws -> Bool {
        guard settings.gateTolerance != nil else { return false }
        guard evaluator != nil, !isEvaluatedByWorkers else { throw RunError.gateWithoutHeldOutText }
        self.candidate = candidate
        evaluationQueue.append(candidate.adapter.version)
        noteWait("the evaluation of round \(candidate.plan.round) before it is published")
        startEvaluation()
        return true
    }

    /// Publishes the candidate, or goes back to the last good adapter and tries the round again.
    func judge(_ candidate: Candidate, _ evaluation: Evaluation) throws {
        self.candidate = nil
        let version = adapter.version
        guard evaluation.loss.isFinite || settledEvaluations[version] != nil else {
            throw RunError.evaluationNotFinite(round: candidate.plan.round)
        }
        guard let tolerance = settings.gateTolerance, let reference = settledEvaluations[version] ?? nil else {
            return try publish(candidate, evaluation: evaluation)
        }
        if evaluation.loss <= reference.loss + tolerance {
            return try publish(candidate, evaluation: evaluation)
        }
        try rollBack(candidate, evaluation, reference: reference, tolerance: tolerance)
    }

    private func rollBack(
        _ candidate: Candidate, _ evaluation: Evaluation, reference: Evaluation, tolerance: Double
    ) throws {
        let plan = candidate.plan
        let state = candidate.optimizerState
        let record = try signedRecord(
            .rolledBack, plan, candidate.updates, adapter: candidate.adapter, whole: nil,
            optimizerState: state.vectors.isEmpty ? nil : ContentHash(of: state.encoded()))
        let rollback = Rollback(
            round: plan.round, attempt: plan.attempt, loss: evaluation.loss.isFinite ? evaluation.loss : nil,
            reference: reference.loss, tolerance: tolerance)
        try ledger.record(rollback, record: record, counters: counters)
        records.append(record)
        noteRolledBack(round: plan.round, attempt: plan.attempt)
        round = nil
        uploads = [:]
        pendingOffers = PendingOffers()
        discard(candidate.updates.map(\.record.object))
        noteWait(nil)
        observe(.roundRolledBack(rollback))
        guard plan.attempt.isMultiple(of: settings.gateAttempts) else { return }
        try ledger.ask(for: .pause, cause: "\(settings.gateAttempts) attempts in a row were rolled back; \(rollback)")
        nextControlPoll = now
        try pollControl()
    }

    /// From now on offers say that what was acknowledged in this attempt does not count.
    func noteRolledBack(round: Int, attempt: Int) {
        rolledBack.append(RoundAttempt(round: UInt32(clamping: round), attempt: UInt32(clamping: attempt)))
        rolledBack = rolledBack.suffix(WireLimits.rolledBackCount)
    }

    /// A pause ends the evaluation's meaning: the candidate is computed again from the ledger afterwards.
    func forgetCandidate() {
        candidate = nil
        evaluationQueue.removeAll { $0 > adapter.version }
    }
}
