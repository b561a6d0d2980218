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
        var step = ServerStep(settings.strategy, part: part(round: plan.round))
        // In worker-name order, a few blobs mapped at a time.
        for start in stride(from: 0, to: updates.count, by: WeightedMean.batch) {
            let batch = updates[start..<min(updates.count, start + WeightedMean.batch)]
            let reports = batch.map { update in
                UpdateReport(
                    weight: settings.weightCap.weight(trainingItems: update.items), steps: Int(update.steps),
                    trainLoss: update.trainLoss)
            }
            let encoded = try zip(batch, reports).map { update, report in
                EncodedUpdate(
                    try store.map(update.object), seed: codecSeed(of: update.worker, plan), weight: report.weight)
            }
            try step.add(encoded, from: reports, codec: codec)
        }
        var values = adapter.values
        var nextState = optimizerState
        do throws(AggregationError) {
            try step.apply(to: &values, state: &nextState)
        } catch .notFinite { throw RunError.aggregateNotFinite(round: plan.round) }

        let earlierState = try ledger.currentAdapter()?.optimizerState
        let stateObject = nextState.vectors.isEmpty ? nil : try store.write(nextState.encoded())
        let next = GlobalAdapter(version: plan.round, values: values, layout: layout)
        try store.write(next.bytes)
        adapter = next
        try writeAdapterDirectories()
        try ledger.publish(
            round: plan.round, attempt: plan.attempt, object: next.object, optimizerState: stateObject,
            seconds: stopwatchTime.seconds(since: roundStart), counters: counters)
        optimizerState = nextState

        round = nil
        uploads = [:]
        pendingOffers = [:]
        // The adapter stands for them now; their hashes stay in the ledger.
        for update in updates { store.remove(update.object) }
        store.discardUploads { _, _ in true }
        if let earlierState, earlierState != stateObject { store.remove(earlierState) }
        announcements.append(try summary(round: plan.round))
        if settings.isEvaluationDue(round: plan.round), canEvaluate { evaluationQueue.append(plan.round) }
        flushAnnouncements()
        startEvaluation()
    }

    /// What a round trains, and what its updates hold.
    func part(round: Int) -> AdapterPart {
        AdapterPart(of: layout, without: settings.aggregation.frozenFactor(round: round))
    }

    /// The server optimiser's state of the published rounds, or what the first one starts from.
    static func optimizerState(
        _ object: ContentHash?, after round: Int, strategy: ServerStrategy, layout: AdapterLayout, store: BlobStore
    ) throws -> ServerOptimizerState {
        let initial = strategy.initialState(parameterCount: layout.parameterCount)
        guard let object else {
            guard round == 0 || initial.vectors.isEmpty else { throw RunError.optimizerStateDoesNotFit }
            return initial
        }
        let stored = try ServerOptimizerState(decoding: try store.read(object))
        guard stored.hasShape(of: initial) else { throw RunError.optimizerStateDoesNotFit }
        return stored
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
