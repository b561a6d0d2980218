import Federation
import ModelFiles
import Recipe
import SecureAggregation

// MARK: - Aggregation and publication
extension RunService {
    /// Turns a closed round's updates into the next adapter.
    ///
    /// Every step before the ledger's transaction may be repeated: a process killed anywhere in here finds the round
    /// open with the same updates, computes the same bits and writes the same files.
    func publish(_ plan: RoundPlan) throws {
        clearLeftovers()
        let updates = try ledger.countedUpdates(in: plan.round, attempt: plan.attempt)
        var values = adapter.values
        var nextState = optimizerState.without(Downlink.residual)
        var residual: PublishedResidual?
        var truncation: ResidualTruncation?
        var change: [UInt8]?
        var distances: [Double]?
        var nextClip: Double?
        var noise: [Double]?
        do {
            if settings.aggregation.mixesFactors {
                let outcome = try mixed(updates.map(\.record), plan)
                values = outcome.values
                residual = outcome.residual.map(PublishedResidual.init)
                truncation = outcome.truncation
            } else if let privacy, privacy.terms.mechanism.addsNoiseToSums {
                guard let release = try release(updates, plan, privacy) else { return }
                let step = ServerStep(settings.strategy, part: part(round: plan.round))
                try step.apply(release.mean, to: &values, state: &nextState)
                nextClip = release.nextClip
                noise = release.correlatedNoise
            } else if let sum = masked?.sum {
                let step = ServerStep(settings.strategy, part: part(round: plan.round))
                try step.apply(sum.sum.mean(), to: &values, state: &nextState)
            } else {
                let (step, damping) = try summed(updates, plan)
                distances = try step.apply(to: &values, state: &nextState, damping: damping)
            }
            (values, change) = try broadcast(values, version: plan.round, state: &nextState)
        } catch AggregationError.notFinite { throw RunError.aggregateNotFinite(round: plan.round) }

        let candidate = Candidate(
            plan: plan, updates: updates,
            adapter: GlobalAdapter(version: plan.round, values: values, layout: layout, residual: residual),
            change: change, optimizerState: nextState, truncation: truncation, distances: distances,
            nextClip: nextClip, correlatedNoise: noise)
        if try !holdForGate(candidate) { try publish(candidate, evaluation: nil) }
    }

    /// Makes a candidate the current adapter.
    ///
    /// - Parameter evaluation: What the quality gate found; `nil` without one.
    func publish(_ candidate: Candidate, evaluation: Evaluation?) throws {
        let (plan, updates, next, nextState) = (
            candidate.plan, candidate.updates, candidate.adapter, candidate.optimizerState
        )
        let earlierState = try ledger.currentAdapter()?.optimizerState
        let stateObject = nextState.vectors.isEmpty ? nil : try store.write(nextState.encoded())
        try store.write(next.bytes, as: next.object)
        if let residual = next.residual { try store.write(residual.bytes, as: residual.object) }
        if buffer != nil { earlierAdapters[adapter.version] = adapter }
        if let change = candidate.change {
            broadcasts.add(change, without: frozenFactor(version: next.version), from: adapter)
        }
        adapter = next
        servedObjects = [:]
        let whole = try writeAdapterDirectories()
        let record = try signedRecord(
            .published, plan, updates, adapter: next, whole: whole, optimizerState: stateObject)
        let correlated = candidate.correlatedNoise.flatMap { noise in
            privacy?.noise.map { $0.after(noise) }
        }
        let kept = try correlated.map { try keepNoise($0, through: plan.round) }
        try ledger.publish(
            round: plan.round, attempt: plan.attempt, object: next.object, optimizerState: stateObject,
            residual: candidate.truncation.map { ResidualRecord(object: next.residual?.object, truncation: $0) },
            distances: candidate.distances.map { Array(zip(updates.map(\.record.worker), $0)) } ?? [],
            seconds: stopwatchTime.seconds(since: roundStart), counters: counters,
            denseUplinkBytes: try denseUplinkBytes(updates: try ledger.totals().updates), record: record,
            nextClip: candidate.nextClip, noise: kept?.now)
        leave(kept?.obsolete ?? [])
        records.append(record)
        if let nextClip = candidate.nextClip { privacy?.clip = nextClip }
        if let correlated { privacy?.noise = correlated }
        optimizerState = nextState
        control = ControlObject(nextState, after: plan.round, settings.strategy)

        discardRound(updates)
        if let earlierState, earlierState != stateObject { leave([earlierState]) }
        announcements.append(try summary(round: plan.round))
        if let evaluation {
            try ledger.record(evaluation, version: plan.round)
            settle(plan.round, evaluation)
        } else if settings.isEvaluationDue(round: plan.round), canEvaluate {
            evaluationQueue.append(plan.round)
        }
        flushAnnouncements()
        startEvaluation()
    }

    /// A round's updates taken together, where each value is aggregated by itself, and as far as their age makes them
    /// count: with none of age, 1.
    private func summed(_ updates: [CountedUpdate], _ plan: RoundPlan) throws -> (step: ServerStep, damping: Double) {
        var (weight, discounted) = (0.0, 0.0)
        var step = ServerStep(settings.strategy, part: part(round: plan.round), robust: settings.robust)
        // In worker-name order, a few blobs mapped at a time.
        for start in stride(from: 0, to: updates.count, by: WeightedMean.batch) {
            let batch = updates[start..<min(updates.count, start + WeightedMean.batch)]
            let reports = batch.map { update in
                update.record.report(
                    weight: discount(update) * settings.weightCap.weight(trainingItems: update.record.items))
            }
            for (update, report) in zip(batch, reports) {
                weight += settings.weightCap.weight(trainingItems: update.record.items)
                discounted += report.weight
            }
            let encoded = try zip(batch, reports).map { update, report in
                let asked = self.plan(round: update.askedIn, attempt: update.attempt)
                return EncodedUpdate(
                    try store.map(update.record.object), seed: codecSeed(of: update.record.worker, asked),
                    weight: report.weight)
            }
            try step.add(encoded, from: reports, codec: codec)
        }
        return (step, discounted / weight)
    }

    /// What a round trains, and what its updates hold.
    func part(round: Int) -> AdapterPart {
        settings.aggregation.part(of: layout, round: round)
    }

    /// The server optimiser's state of the published rounds, or what the first one starts from.
    static func optimizerState(
        _ object: ContentHash?, after round: Int, _ settings: RunSettings, layout: AdapterLayout, store: BlobStore
    ) throws -> ServerOptimizerState {
        var initial = settings.strategy.initialState(parameterCount: layout.parameterCount)
        if let downlink = try downlink(settings), !downlink.codec.isUnbiased {
            initial.set(Downlink.residual, [Float](repeating: 0, count: layout.parameterCount))
        }
        guard let object else {
            guard round == 0 || initial.vectors.isEmpty else { throw RunError.optimizerStateDoesNotFit }
            return initial
        }
        guard let bytes = store.soundBytes(of: object) else {
            throw RunError.optimizerStateDamaged(round: round, blob: store.path(of: object))
        }
        let stored = try ServerOptimizerState(decoding: bytes)
        guard stored.hasShape(of: initial) else { throw RunError.optimizerStateDoesNotFit }
        return stored
    }

    /// The global model as one adapter, whatever the aggregation: with the residual, or with the factors around a core.
    private func wholeAdapter() throws -> (configuration: AdapterConfiguration, layout: AdapterLayout, values: [Float])
    {
        try adapter.residual?.value.merged(into: adapter.values, layout: layout, configuration: adapterConfiguration)
            ?? (
                configuration: adapterConfiguration, layout: fixedFactors?.layout ?? layout,
                values: fixedFactors?.adapter(adapter.values) ?? adapter.values
            )
    }

    /// `STATE/adapters/NNNN` and `STATE/adapter`, for the version in memory.
    ///
    /// - Returns: The hash of what lies there, as an adapter object.
    @discardableResult
    func writeAdapterDirectories() throws -> ContentHash {
        try PrivateAccess.makeFolder(state.path + "/adapters")
        let whole = try wholeAdapter()
        // Usually that is the adapter object, whose bytes and hash are known.
        let isObject = adapter.residual == nil && fixedFactors == nil
        let weights = isObject ? adapter.bytes : AdapterObject.encode(layout: whole.layout, values: whole.values)
        let directory = state.adapter(round: adapter.version)
        try AdapterDirectory.write(
            configuration: whole.configuration, weights: weights, labels: settings.training.classNames, to: directory)
        try AdapterDirectory.link(state.adapter, to: directory)
        return isObject ? adapter.object : ContentHash(of: weights)
    }

    func summary(round: Int) throws -> RoundSummary {
        let (attempt, seconds) = try ledger.publishedRound(round) ?? (1, 0)
        let counted = try ledger.countedUpdates(in: round, attempt: attempt)
        let updates = counted.map(\.record)
        let totals = try ledger.totals()
        let weights = updates.map { settings.weightCap.weight(trainingItems: $0.items) }
        // Owners may withhold their workers' losses.
        let told = zip(updates, weights).compactMap { update, weight in
            update.trainLoss.map { (loss: $0, weight: weight) }
        }
        let lossSum = told.reduce(0) { $0 + $1.loss * $1.weight }
        let counters = try ledger.counters()
        return RoundSummary(
            round: round, workers: hidesParticipation ? nil : updates.count,
            trainLoss: settings.withholdsMetrics || told.isEmpty ? nil : lossSum / told.reduce(0) { $0 + $1.weight },
            evaluation: nil,
            uplinkBytes: counters.uplinkBytes, downlinkBytes: counters.downlinkBytes,
            denseUplinkBytes: try denseUplinkBytes(updates: totals.updates),
            tokensTrained: totals.tokens, seconds: seconds, residual: try ledger.residual(version: round)?.truncation,
            staleness: settings.buffering.map { _ in
                Double(counted.reduce(0) { $0 + $1.staleness }) / Double(max(1, counted.count))
            })
    }
}
