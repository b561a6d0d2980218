import Federation
import ModelFiles
import Recipe
import SecureAggregation
import Wire

/// What a run under differential privacy keeps in memory.
struct PrivacyOfRun {
    let options: PrivacyOptions
    let terms: PrivacyTerms
    /// What a round costs whoever may take part in it.
    let step: SampledGaussian
    /// The one that the open round applies.
    var clip: Double
    /// Where workers add the noise: those that cannot pay for another round.
    var exhausted: Set<WorkerName> = []
    /// Correlated noise: the workers that the open round may not ask, for an update of theirs was counted too recently.
    var resting: Set<WorkerName> = []
    /// Correlated noise: that of the published rounds; `nil` until a round needs it.
    var noise: CorrelatedNoise?
    /// Where workers add the noise: the most rounds that one's budget pays for.
    let roundsPerWorker: Int

    /// Takes up the promise that the ledger keeps, or makes it there.
    ///
    /// - Parameters:
    ///   - isSeeded: Whether the run's seed gives coins and noise.
    ///   - sharing: What workers share noise under; `nil` where they do not.
    init(_ options: PrivacyOptions, isSeeded: Bool, sharing: NoiseSharing?, ledger: Ledger) throws {
        var options = options
        options.lattice = sharing?.lattice
        self.options = options
        if let kept = try ledger.privacyTerms() {
            guard isSeeded || !kept.isSeeded else { throw LedgerError.simulatedPrivacy }
            terms = kept
        } else {
            terms = PrivacyTerms(
                mechanism: options.mechanism, epsilon: options.epsilon, delta: options.delta,
                noiseMultiplier: try options.plannedNoiseMultiplier(), samplingRate: options.samplingRate,
                workers: options.workers, expectedWorkers: options.expectedWorkers, clip: options.clip,
                isClipAdaptive: options.adaptiveClip != nil, isSeeded: isSeeded, separation: options.separation,
                bands: options.noiseRoot?.bands ?? 1, lattice: options.lattice,
                minimumHonest: sharing?.minimumHonest ?? 0)
            try ledger.begin(terms)
        }
        step = try SampledGaussian(samplingRate: terms.samplingRate, noiseMultiplier: terms.noiseMultiplier)
        clip = try ledger.clip(after: try ledger.currentAdapter()?.version ?? 0) ?? terms.clip
        roundsPerWorker =
            options.mechanism.isPaidByWorker
            ? try terms.budget.left(step, after: [:], limit: max(1, options.plannedRounds) * 2) : 0
    }

    /// Of the independent noise behind a round's correlated noise: z · |c| · clip.
    var noiseDeviation: Double {
        terms.noiseMultiplier * BandedSquareRoot(bands: terms.bands).columnNorm * terms.clip
    }

    /// A worker's share of the noise; `nil` where it is not shared.
    var sharedNoise: SharedNoise? {
        terms.lattice.map {
            SharedNoise(noiseMultiplier: terms.noiseMultiplier, on: $0, minimumHonest: max(1, terms.minimumHonest))
        }
    }

    var budget: PrivacyBudget { terms.budget }
    /// Whether who took part in a round must stay unknown.
    var hidesParticipation: Bool { terms.mechanism == .central }
}

// MARK: - Who takes part
extension RunService {
    var hidesParticipation: Bool { privacy?.hidesParticipation ?? false }

    /// A round whose workers are chosen by coins, recorded with all of them before any offer leaves.
    ///
    /// - Returns: `nil` where the budget does not pay for it: the run is paused then.
    func sampledRound(_ number: Int, attempt: Int, _ privacy: PrivacyOfRun) throws -> Round? {
        guard try canPay(privacy, round: number) else { return nil }
        let plan = try resumedPlan(round: number, attempt: attempt)
        var coins = SecretStream(key: secretKey(for: "coins \(number) \(attempt)", privacy))
        let chosen = PoissonSampling.chosen(
            from: try ledger.enrolledWorkers(), rate: privacy.terms.samplingRate, using: &coins)
        try ledger.select(chosen, round: number, attempt: attempt)
        return Round(plan: plan, sampled: chosen, available: Set(trainers))
    }

    private func secretKey(for use: String, _ privacy: PrivacyOfRun) -> [UInt8] {
        guard privacy.terms.isSeeded else { return SecretStream.randomKey() }
        let seed = (0..<8).map { UInt8(truncatingIfNeeded: settings.seed >> (8 * UInt64($0))) }
        return SecretStream.key(from: seed, for: use)
    }

    private func canPay(_ privacy: PrivacyOfRun, round: Int) throws -> Bool {
        let spent = try ledger.privacySpent()
        if try privacy.budget.admits(privacy.step, after: spent) { return true }
        try pauseForBudget(
            "round \(round) would overspend the privacy budget: epsilon \(try privacy.budget.spent(spent)) of "
                + "\(privacy.terms.epsilon) is spent at delta \(privacy.terms.delta), and a round with this noise costs "
                + "more than is left; the adapter of the last published round is the result (shoal run stop)")
        return false
    }

    private func pauseForBudget(_ cause: String) throws {
        try ledger.ask(for: .pause, cause: cause)
        nextControlPoll = now
        try pollControl()
    }
}

// MARK: - Central noise
extension RunService {
    /// A closed round's updates as they may be published.
    ///
    /// The budget is spent, durably, before there is anything to publish. A process killed after that finds the entry with
    /// the key of its noise and releases the very same bits; where other updates are there then (one more came, one was
    /// lost), other noise is drawn and paid for again. So a crash may count a release that never was, and never leaves one
    /// out.
    /// - Returns: `nil` where the budget does not pay for it: the run is paused then, and nothing is published.
    func release(_ updates: [CountedUpdate], _ plan: RoundPlan, _ privacy: PrivacyOfRun) throws -> GaussianRelease? {
        let clipped = try ledger.clippedWorkers(round: plan.round, attempt: plan.attempt)
        let content = ContentHash(
            of: Array(
                updates.map { "\($0.record.worker) \($0.record.object) \(clipped.contains($0.record.worker))\n" }
                    .joined().utf8))
        if privacy.terms.mechanism == .ftrl { return try correlatedRelease(updates, plan, privacy, content: content) }
        let key: [UInt8]
        if let kept = try ledger.noiseKey(round: plan.round, attempt: plan.attempt, content: content) {
            key = kept
        } else {
            guard try canPay(privacy, round: plan.round) else { return nil }
            key = secretKey(for: "noise \(plan.round) \(plan.attempt) \(content)", privacy)
            try ledger.spend(
                privacy.step, round: plan.round, attempt: plan.attempt, clip: privacy.clip, content: content,
                noiseKey: key)
        }
        let sum = try clippedSum(updates, plan, privacy, clipped: clipped)
        var noise = SecretStream(key: key)
        return GaussianRelease(
            sum, noiseMultiplier: privacy.terms.noiseMultiplier, adaptiveClip: privacy.options.adaptiveClip,
            expectedWorkers: privacy.terms.expectedWorkers, noise: &noise)
    }

    private func clippedSum(
        _ updates: [CountedUpdate], _ plan: RoundPlan, _ privacy: PrivacyOfRun, clipped: Set<WorkerName>
    ) throws -> ClippedSum {
        var sum = ClippedSum(parameterCount: part(round: plan.round).count, clip: privacy.clip)
        for update in updates {
            let values = try decode(try store.read(update.record.object), from: update.record.worker, plan)
            sum.add(values, isWithin: !clipped.contains(update.record.worker))
        }
        return sum
    }
}

// MARK: - Correlated noise
extension RunService {
    /// Notes whom the round may not ask.
    ///
    /// - Returns: Whether the budget pays for the round; the run is paused otherwise, before anybody trains for nothing.
    func noteResting(round: Int) throws -> Bool {
        guard let privacy, privacy.terms.mechanism == .ftrl else { return true }
        let first = max(1, round - privacy.terms.separation + 1)
        self.privacy?.resting = try ledger.contributors(in: first..<max(first, round))
        guard isStepDue(round: round, privacy), try !ledger.hasCorrelatedNoise(round: round) else { return true }
        return try canPay(privacy, round: round)
    }

    /// Whether taking part in this round may be a worker's second time since the last step.
    private func isStepDue(round: Int, _ privacy: PrivacyOfRun) -> Bool {
        (round - 1).isMultiple(of: privacy.terms.separation)
    }

    /// As ``release(_:_:_:)``, with noise that depends on that of the rounds before.
    ///
    /// Taking part once in as many rounds as a worker rests costs one step, which the first of them pays for; so does noise
    /// that had to be drawn a second time.
    private func correlatedRelease(
        _ updates: [CountedUpdate], _ plan: RoundPlan, _ privacy: PrivacyOfRun, content: ContentHash
    ) throws -> GaussianRelease? {
        let key: [UInt8]
        if let kept = try ledger.correlatedNoiseKey(round: plan.round, attempt: plan.attempt, content: content) {
            key = kept
        } else {
            let isDue = try isStepDue(round: plan.round, privacy) || ledger.hasCorrelatedNoise(round: plan.round)
            if isDue { guard try canPay(privacy, round: plan.round) else { return nil } }
            key = secretKey(for: "noise \(plan.round) \(plan.attempt) \(content)", privacy)
            try ledger.keepCorrelatedNoise(
                key, round: plan.round, attempt: plan.attempt, content: content,
                spending: isDue ? privacy.step : nil, clip: privacy.clip)
        }
        let sum = try clippedSum(updates, plan, privacy, clipped: [])
        let correlated = try privacy.noise ?? publishedNoise(before: plan.round, privacy, count: sum.sum.count)
        self.privacy?.noise = correlated
        let noise = correlated.next(
            CorrelatedNoise.independent(count: sum.sum.count, deviation: privacy.noiseDeviation, key: key))
        return GaussianRelease(
            sum, adding: noise, deviation: privacy.noiseDeviation, expectedWorkers: privacy.terms.expectedWorkers)
    }

    /// What the next round's noise depends on of the published rounds'.
    private func publishedNoise(before round: Int, _ privacy: PrivacyOfRun, count: Int) throws -> CorrelatedNoise {
        let root = BandedSquareRoot(bands: privacy.terms.bands)
        let kept = try ledger.publishedNoise()
        let recent = try (max(1, round - root.bands + 1)..<round).reversed().map { earlier in
            guard let object = kept[earlier], let bytes = store.soundBytes(of: object),
                let values = try? DenseCodec().decode(bytes, count: count)
            else { throw LedgerError.damaged(what: "the noise of published rounds") }
            return values
        }
        return CorrelatedNoise(root, recent: recent)
    }

    /// Writes down what the next rounds' noise depends on.
    ///
    /// - Returns: The blobs by round, and those that nothing depends on any more.
    func keepNoise(
        _ noise: CorrelatedNoise, through round: Int
    ) throws -> (now: [Int: ContentHash], obsolete: [ContentHash]) {
        let before = try ledger.publishedNoise()
        var now: [Int: ContentHash] = [:]
        for (lag, values) in noise.recent.enumerated() {
            now[round - lag] = try before[round - lag] ?? store.write(DenseCodec().encode(values))
        }
        return (now, before.filter { now[$0.key] == nil }.map(\.value))
    }
}

extension CorrelatedNoise {
    /// As it is once this round's noise is published.
    func after(_ noise: [Double]) -> CorrelatedNoise {
        var next = self
        next.published(noise)
        return next
    }
}

// MARK: - Noise of the workers
extension RunService {
    /// Counts anew whose own budget pays for no further round.
    ///
    /// - Parameter round: Who has paid for it already may still be asked in it.
    /// - Returns: Whether enough others are left; the run is paused otherwise.
    func countLocalBudgets(round: Int, attempt: Int) throws -> Bool {
        guard let privacy, privacy.terms.mechanism.isPaidByWorker else { return true }
        let entries = try ledger.privacyEntries()
        let paid = Set(entries.filter { $0.round == round && $0.attempt == attempt }.compactMap(\.worker))
        let counts = entries.reduce(into: [WorkerName: Int]()) { counts, entry in
            if let worker = entry.worker { counts[worker, default: 0] += 1 }
        }
        let exhausted = counts.filter { $0.value >= privacy.roundsPerWorker && !paid.contains($0.key) }
        self.privacy?.exhausted = Set(exhausted.keys)
        let left = try ledger.enrolledWorkers().count { exhausted[$0] == nil }
        guard left < settings.minimumWorkers else { return true }
        try pauseForBudget(
            "round \(round) would overspend privacy budgets: only \(left) workers have any left of epsilon "
                + "\(privacy.terms.epsilon), after \(privacy.roundsPerWorker) rounds each, and a round needs "
                + "\(settings.minimumWorkers); enrol more workers, or end the run with its last adapter (shoal run stop)"
        )
        return false
    }

    /// Before any of these workers gets an offer.
    func payLocally(_ workers: [WorkerName], _ plan: RoundPlan) throws {
        guard let privacy, privacy.terms.mechanism.isPaidByWorker else { return }
        try ledger.spend(
            privacy.step, of: workers, round: plan.round, attempt: plan.attempt, clip: privacy.clip)
    }
}

// MARK: - What is told
extension RunService {
    /// What an offer asks of the worker for its own update; `nil`: nothing.
    var offeredPrivacy: UpdatePrivacy? {
        guard privacy != nil || settings.withholdsMetrics else { return nil }
        let deviation = privacy.map { $0.terms.mechanism == .local ? $0.terms.noiseMultiplier * $0.clip : 0 } ?? 0
        return UpdatePrivacy(
            clip: privacy?.clip, noiseDeviation: deviation, withholdsMetrics: settings.withholdsMetrics)
    }

    /// The plan of a round whose workers are chosen already, or by coins.
    func resumedPlan(round: Int, attempt: Int) throws -> RoundPlan {
        guard hidesParticipation else { return try selectingPlan(round: round, attempt: attempt) }
        var plan = plan(round: round, attempt: attempt)
        plan.isSampled = true
        plan.minimum = 0
        return plan
    }
}

extension RunEvent {
    /// The event as an observer may see it where participation is secret; `nil`: not at all.
    var withoutParticipation: RunEvent? {
        switch self {
        case .progress, .updateAccepted, .workerDeclined, .evaluationDeclined, .refused: nil
        case .roundStarted(let round, _): .roundStarted(round: round, workers: [])
        default: self
        }
    }
}
