import Federation
import ModelFiles
import Recipe

// MARK: - Aggregation and publication
extension RunService {
    /// Turns a closed round's updates into the next adapter.
    ///
    /// Every step before the ledger's transaction may be repeated: a process killed anywhere in here finds the round
    /// open with the same updates, computes the same bits and writes the same files.
    func publish(_ plan: RoundPlan) throws {
        let updates = try ledger.updates(round: plan.round, attempt: plan.attempt)
        var mean = WeightedMean(parameterCount: layout.parameterCount)
        // In worker-name order, a few blobs mapped at a time.
        for start in stride(from: 0, to: updates.count, by: WeightedMean.batch) {
            let encoded = try updates[start..<min(updates.count, start + WeightedMean.batch)].map { update in
                EncodedUpdate(
                    try store.map(update.object), seed: codecSeed(of: update.worker, plan),
                    weight: settings.weightCap.weight(trainingItems: update.items))
            }
            try mean.add(encoded, codec: codec)
        }
        var values = adapter.values
        var optimizer = FedAvg()
        optimizer.step(global: &values, delta: try mean.finish())
        guard values.allSatisfy(\.isFinite) else { throw RunError.aggregateNotFinite(round: plan.round) }

        let next = GlobalAdapter(version: plan.round, values: values, layout: layout)
        try store.write(next.bytes)
        adapter = next
        try writeAdapterDirectories()
        try ledger.publish(
            round: plan.round, attempt: plan.attempt, object: next.object, seconds: now.seconds(since: roundStart),
            counters: counters)

        round = nil
        uploads = [:]
        pendingOffers = [:]
        // The adapter stands for them now; their hashes stay in the ledger.
        for update in updates { store.remove(update.object) }
        store.discardUploads { _, _ in true }
        announcements.append(try summary(round: plan.round))
        if settings.isEvaluationDue(round: plan.round), canEvaluate { evaluationQueue.append(plan.round) }
        flushAnnouncements()
        startEvaluation()
    }

    /// `STATE/adapters/NNNN` and `STATE/adapter`, for the version in memory.
    func writeAdapterDirectories() throws {
        try StateDirectory.createFolder(state.path + "/adapters")
        for directory in [state.adapter(round: adapter.version), state.adapter] {
            try AdapterDirectory.write(
                configuration: adapterConfiguration, layout: layout, values: adapter.values,
                labels: settings.training.classNames, to: directory)
        }
    }

    func summary(round: Int) throws -> RoundSummary {
        let (attempt, seconds) = try ledger.publishedRound(round) ?? (1, 0)
        let updates = try ledger.updates(round: round, attempt: attempt)
        let totals = try ledger.totals()
        let weights = updates.map { settings.weightCap.weight(trainingItems: $0.items) }
        let lossSum = zip(updates, weights).reduce(0) { $0 + $1.0.trainLoss * $1.1 }
        let counters = try ledger.counters()
        return RoundSummary(
            round: round, workers: updates.count, trainLoss: lossSum / weights.reduce(0, +), evaluation: nil,
            uplinkBytes: counters.uplinkBytes, downlinkBytes: counters.downlinkBytes,
            denseUplinkBytes: 4 * UInt64(layout.parameterCount) * UInt64(totals.updates),
            tokensTrained: totals.tokens, seconds: seconds)
    }
}
