import Federation
import ModelFiles
import Recipe
import Wire

/// What a run under differential privacy keeps in memory.
struct PrivacyOfRun {
    let options: PrivacyOptions
    let terms: PrivacyTerms
    /// What a round costs whoever may take part in it.
    let step: SampledGaussian
    /// The one that the open round applies.
    var clip: Double
    /// Local noise: how often each worker has paid, and those that cannot pay for another round.
    var exhausted: Set<WorkerName> = []
    /// Local noise: the most rounds a worker's budget pays for.
    let roundsPerWorker: Int

    /// Takes up the promise that the ledger keeps, or makes it there.
    ///
    /// - Parameter isSeeded: Whether the run's seed gives coins and noise.
    init(_ options: PrivacyOptions, isSeeded: Bool, ledger: Ledger) throws {
        self.options = options
        if let kept = try ledger.privacyTerms() {
            terms = kept
        } else {
            terms = PrivacyTerms(
                mechanism: options.mechanism, epsilon: options.epsilon, delta: options.delta,
                noiseMultiplier: try options.plannedNoiseMultiplier(), samplingRate: options.samplingRate,
                workers: options.workers, expectedWorkers: options.expectedWorkers, clip: options.clip,
                isClipAdaptive: options.adaptiveClip != nil, isSeeded: isSeeded)
            try ledger.begin(terms)
        }
        step = try SampledGaussian(samplingRate: terms.samplingRate, noiseMultiplier: terms.noiseMultiplier)
        clip = try ledger.clip(after: try ledger.currentAdapter()?.version ?? 0) ?? terms.clip
        roundsPerWorker =
            options.mechanism == .local
            ? try PrivacyBudget(epsilon: terms.epsilon, delta: terms.delta)
                .left(step, after: [:], limit: max(1, options.plannedRounds) * 2) : 0
    }

    var budget: PrivacyBudget { PrivacyBudget(epsilon: terms.epsilon, delta: terms.delta) }
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
        var sum = ClippedSum(parameterCount: part(round: plan.round).count, clip: privacy.clip)
        for update in updates {
            let values = try decode(try store.read(update.record.object), from: update.record.worker, plan)
            sum.add(values, isWithin: !clipped.contains(update.record.worker))
        }
        var noise = SecretStream(key: key)
        return GaussianRelease(
            sum, noiseMultiplier: privacy.terms.noiseMultiplier, adaptiveClip: privacy.options.adaptiveClip,
            expectedWorkers: privacy.terms.expectedWorkers, noise: &noise)
    }
}

// MARK: - Local noise
extension RunService {
    /// Counts anew whose own budget pays for no further round.
    ///
    /// - Parameter round: Who has paid for it already may still be asked in it.
    /// - Returns: Whether enough others are left; the run is paused otherwise.
    func countLocalBudgets(round: Int, attempt: Int) throws -> Bool {
        guard let privacy, privacy.terms.mechanism == .local else { return true }
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
        guard let privacy, privacy.terms.mechanism == .local else { return }
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
