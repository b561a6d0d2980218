import Federation
import Recipe
import SecureAggregation
import Wire

// MARK: - Rounds
extension RunService {
    func plan(round: Int, attempt: Int) -> RoundPlan {
        var plan = RoundPlan(
            seed: settings.seed, round: round, attempt: attempt, target: settings.workersPerRound,
            minimum: settings.minimumWorkers, deadlineSeconds: settings.deadlineSeconds,
            leaseSeconds: settings.leaseSeconds, asked: settings.workersAsked)
        plan.isMasked = settings.masking != nil
        return plan
    }

    /// The plan of a round that is to choose workers.
    func selectingPlan(round: Int, attempt: Int) throws -> RoundPlan {
        var plan = plan(round: round, attempt: attempt)
        plan.selector = try selector(before: round, attempt: attempt)
        return plan
    }

    func openRound(_ number: Int) throws {
        guard try noteResting(round: number) else { return }
        try noteSpent(round: number)
        try assignRanks(to: trainers)
        let attempt = try ledger.nextAttempt(round: number)
        guard try countLocalBudgets(round: number, attempt: attempt) else { return }
        var round: Round
        if let privacy, privacy.hidesParticipation {
            guard let sampled = try sampledRound(number, attempt: attempt, privacy) else { return }
            round = sampled
        } else {
            round = Round(plan: try selectingPlan(round: number, attempt: attempt), available: Set(trainers))
        }
        let actions = round.start(at: now)
        self.round = round
        masked = maskedRound(round.plan)
        roundStart = stopwatchTime
        roundAge = 0
        uploads = [:]
        // Recorded even if nobody could be selected yet: the round is open.
        try ledger.select([], round: number, attempt: attempt)
        observe(.roundStarted(round: number, workers: round.selected))
        try perform(actions)
    }

    func handle(_ event: Round.Event) throws {
        if let actions = buffer?.handle(event, at: now) { return try perform(actions) }
        masked?.note(event, at: now)
        guard let actions = round?.handle(event, at: now) else { return }
        try perform(actions)
    }

    func perform(_ actions: [Round.Action]) throws {
        guard let plan = round?.plan else { return }
        for action in actions {
            switch action {
            case .recordSelection(let workers):
                try assignRanks(to: workers)
                // Who is recorded as selected is asked again after a crash: it must have paid by then.
                try payLocally(workers, plan)
                try ledger.select(workers, round: plan.round, attempt: plan.attempt)
            case .offer(let worker):
                offerTraining(to: worker, plan, adapter: try adapter(rank: rank(of: worker)))
            case .withdraw(let worker, let reason): withdraw(worker, plan, because: reason)
            case .recordFailure(let workers):
                try ledger.recordFailure(workers, round: plan.round, attempt: plan.attempt, open: plan.round)
            case .aggregate: try publish(plan)
            case .wait(let reason):
                wait(reason)
                try endIfHopeless(plan)
            }
        }
    }

    /// In a fleet that nobody can join, a round that all the others have declined would wait for ever.
    private func endIfHopeless(_ plan: RoundPlan) throws {
        guard settings.isFleetComplete, let round, let lastDecline else { return }
        let missing = round.selected.count - round.recorded.count
        let declined = round.progress.values.count { $0 == .declined }
        guard round.selected.count == settings.minimumConnected - heldOut.count, missing == declined else { return }
        let closesAtDeadline = plan.deadlineSeconds != nil && round.recorded.count >= plan.minimum
        guard !closesAtDeadline else { return }
        throw RunError.roundDeclined(
            round: plan.round, workers: declined, last: lastDecline.worker, reason: lastDecline.reason)
    }

    /// The round's deadline is not repeated in the offer: it is the coordinator's alone to judge.
    func offerTraining(to worker: WorkerName, _ plan: RoundPlan, adapter: GlobalAdapter) {
        let lease = trainingLease(of: worker, plan.round, plan.attempt)
        noteOffered(lease, to: worker)
        offer(
            .train, lease: lease, to: worker, round: plan.round,
            attempt: plan.attempt, adapter: adapter, rank: rank(of: worker))
    }

    func offerEvaluation(to worker: WorkerName) {
        guard let cohort else { return }
        offer(
            .evaluate, lease: evaluationLease(of: worker, version: cohort.version), to: worker, round: cohort.version,
            attempt: 1, adapter: adapter, rank: settings.ranks.largest)
    }

    private func offer(
        _ task: Offer.Task, lease: UInt64, to worker: WorkerName, round: Int, attempt: Int, adapter: GlobalAdapter,
        rank: Int
    ) {
        var training = settings.training
        training.personal = settings.personal
        if task == .train { training.frozenFactor = settings.aggregation.frozenFactor(round: round) }
        var offer = Offer(
            lease: lease, task: task, leaseMilliseconds: UInt32(settings.leaseSeconds * 1_000),
            deadlineMilliseconds: nil, baseModel: baseModel.identity, adapter: adapter.object,
            adapterOptions: settings.adapterOptions.limited(toRank: rank), training: training, uplink: settings.uplink,
            seed: settings.seed, errorFeedback: settings.errorFeedback,
            residual: adapter.residual?.object)
        offer.residualDecay = settings.residualDecay
        if task == .train { offer.residualTurns = settings.aggregation.turns }
        if task == .train { offer.control = control?.object }
        offer.privacy = offeredPrivacy
        if task == .train { offer.masking = offeredMasking(round: round) }
        offer.fixedFactors = fixedFactors?.object
        offer.catchUp = catchUp(for: worker, to: adapter)
        sessions[worker]?.offeredVersion = adapter.version
        offer.rolledBack = rolledBack
        pendingOffers[worker] = PendingOffer(offer: offer, round: round, attempt: attempt)
        sendDueOffers()
    }

    /// Sends offers until they are answered, by whatever message shows that they arrived.
    func sendDueOffers() {
        guard pendingOffers.nextDue <= now else { return }
        for (worker, pending) in pendingOffers.takeDue(at: now, repeatingAfter: settings.offerRetrySeconds) {
            guard let session = sessions[worker] else { continue }
            if !pending.isRepeated { sendHead(to: worker) }
            send(.offer(pending.offer), to: session.peer, round: pending.round, attempt: pending.attempt)
        }
    }
}
