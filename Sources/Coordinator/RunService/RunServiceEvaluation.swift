import Federation
import ModelFiles
import Randomness
import Wire

// MARK: - Evaluation of the global adapter
extension RunService {
    /// Whether evaluation takes workers' time, and so happens between rounds; the coordinator's own runs beside them.
    var isEvaluatedByWorkers: Bool {
        switch settings.evaluationSource {
        case .workers, .heldOutWorkers: true
        case .coordinator, .nobody: false
        }
    }
    var canEvaluate: Bool {
        isEvaluatedByWorkers || settings.evaluationSource == .coordinator && evaluator != nil
    }

    /// At start: what was due before and has no result in the ledger is done (again).
    func queueMissingEvaluations() throws {
        for (version, evaluation) in try ledger.evaluations() { settledEvaluations[version] = evaluation }
        guard canEvaluate else { return }
        for version in 0...adapter.version where settings.isEvaluationDue(round: version) {
            guard settledEvaluations[version] == nil else { continue }
            // By workers, only the adapter that offers name can be evaluated.
            guard !isEvaluatedByWorkers || version == adapter.version else { continue }
            evaluationQueue.append(version)
            if version > 0 { announcements.append(try summary(round: version)) }
        }
        if let base = settledEvaluations[0] ?? nil { observe(.baseEvaluated(base)) }
    }

    /// Starts the next evaluation by the coordinator, if none runs.
    func startEvaluation() {
        guard !isEvaluatedByWorkers, !isEvaluating, let evaluator, let version = evaluationQueue.first else { return }
        attempt {
            let evaluated: GlobalAdapter
            if let candidate, candidate.adapter.version == version {
                evaluated = candidate.adapter
            } else if version == adapter.version {
                evaluated = adapter
            } else {
                evaluated = try publishedAdapter(version: version)
            }
            let object = evaluated.object
            isEvaluating = true
            let loop = loop
            // Safe: the service is touched only inside closures that `post` runs on the loop's own thread, where all
            // of its other methods run; the evaluator's thread merely carries the reference there.
            nonisolated(unsafe) let service = self
            evaluator.evaluate(adapter: evaluated.values, residual: evaluated.residual?.value) { result in
                loop.post { service.evaluated(version, object, result) }
            }
        }
    }

    private func evaluated(_ version: Int, _ object: ContentHash, _ result: Result<Evaluation, any Error>) {
        attempt {
            isEvaluating = false
            let evaluation = try result.get()
            if let candidate, candidate.adapter.object == object {
                evaluationQueue.removeAll { $0 == version }
                try judge(candidate, evaluation)
                return startEvaluation()
            }
            // Of a candidate that a pause took back: nobody asks any more.
            guard version <= adapter.version else { return startEvaluation() }
            evaluationQueue.removeAll { $0 == version }
            guard evaluation.loss.isFinite else { throw RunError.evaluationNotFinite(round: version) }
            try ledger.record(evaluation, version: version)
            settle(version, evaluation)
            startEvaluation()
        }
    }

    func settle(_ version: Int, _ evaluation: Evaluation?) {
        settledEvaluations[version] = .some(evaluation)
        if version == 0, let evaluation { observe(.baseEvaluated(evaluation)) }
        flushAnnouncements()
    }

    /// Tells of published rounds in their order, each once its evaluation is known.
    func flushAnnouncements() {
        guard !canEvaluate || settledEvaluations[0] != nil || isEvaluatedByWorkers else { return }
        while var summary = announcements.first {
            if canEvaluate, settings.isEvaluationDue(round: summary.round) {
                guard let evaluation = settledEvaluations[summary.round] else { return }
                summary.evaluation = evaluation
            }
            announcements.removeFirst()
            observe(.roundPublished(summary))
        }
    }
}

// MARK: - By workers
extension RunService {
    /// Draws the workers that only evaluate, once enough have come; the ledger keeps them for good.
    func drawHeldOut() throws {
        guard case .heldOutWorkers(let count) = settings.evaluationSource, heldOut.isEmpty else { return }
        let key = StreamKey(seed: settings.seed, worker: "held-out", purpose: .selection)
        let drawn = Selection.uniform(count, from: Array(everConnected), key: key)
        try ledger.recordHeldOut(drawn)
        heldOut = Set(drawn)
    }

    func startCohort(version: Int) throws {
        precondition(version == adapter.version, "workers evaluate the adapter that was published last")
        cohortStart = stopwatchTime
        let workers = sessions.keys.filter { settings.evaluationSource == .workers || heldOut.contains($0) }
        cohort = EvaluationCohort(
            version: version, workers: workers, leaseSeconds: settings.leaseSeconds,
            deadline: now.advanced(bySeconds: settings.cohortSeconds), at: now)
        noteWait("the evaluation of round \(version) by workers")
        for worker in workers.sorted() { offerEvaluation(to: worker) }
    }

    /// Takes the cohort's result once nobody is left to wait for.
    func finishCohort() throws {
        guard let cohort, cohort.isComplete else { return }
        self.cohort = nil
        noteWait(nil)
        pendingOffers = PendingOffers()
        evaluationQueue.removeFirst()
        let reports = cohort.reports
        guard let mean = HeldOutMean(of: reports.map(\.report), minimumCohort: settings.minimumCohort) else {
            observe(
                .waiting(
                    reason: "no evaluation of round \(cohort.version): \(reports.count) workers reported, "
                        + "\(settings.minimumCohort) are needed"))
            return settle(cohort.version, nil)
        }
        // Where workers keep their metrics to themselves, nobody's own stays anywhere.
        let told = settings.withholdsMetrics ? [] : reports
        let evaluation = Evaluation(
            loss: mean.mean, standardError: mean.standardError ?? .nan, items: Int(clamping: mean.items),
            worstDecile: told.isEmpty ? nil : LossSpread(told.map(\.report.mean)).worstDecile)
        try ledger.record(evaluation, of: told, version: cohort.version)
        settle(cohort.version, evaluation)
    }

    func receive(_ report: Report, _ envelope: Envelope, from name: WorkerName, _ peer: Peer) throws {
        let (version, answer): (Int, UpdateAck.State) = (Int(envelope.round), .committed)
        guard report.lease == evaluationLease(of: name, version: version) else {
            return refuse(.unknownLease, "this lease has ended", envelope, peer)
        }
        // A report that was counted or came too late is acknowledged too: the worker is done with it.
        if task(of: name, lease: report.lease) == .evaluate {
            pendingOffers[name] = nil
            do {
                let sums = try HeldOutReport(
                    items: report.items, lossSum: report.lossSum, squaredLossSum: report.squaredLossSum)
                cohort?.report(sums, from: name)
                usualReport.note(stopwatchTime.seconds(since: cohortStart))
                sessions[name]?.hadOfferedAdapter()
            } catch {
                cohort?.fail(name)
            }
        }
        send(
            .updateAck(UpdateAck(lease: report.lease, state: answer)), to: peer, answering: envelope.id,
            round: version, attempt: 1)
    }
}
