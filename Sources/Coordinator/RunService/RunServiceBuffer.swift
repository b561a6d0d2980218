import Federation
import ModelFiles
import SecureAggregation
import Wire

// MARK: - The rounds of an asynchronous run
extension RunService {
    /// Takes up the open buffer, or opens the next: leases that were given in earlier rounds go on.
    ///
    /// - Parameter age: How long it has been open already. Unit: seconds.
    func openBuffer(_ number: Int, _ options: BufferOptions, age: Double = 0) throws {
        let record = try ledger.bufferRecord(round: number)
        var buffer = BufferedRounds(
            record, options: options, seed: settings.seed, leaseSeconds: settings.leaseSeconds,
            selector: try selector(before: number, attempt: 1), available: Set(trainers), at: now)
        let actions = buffer.start(at: now)
        self.buffer = buffer
        try enterBuffer(number, age: age)
        try perform(actions)
    }

    private func enterBuffer(_ number: Int, age: Double = 0) throws {
        roundStart = stopwatchTime
        roundAge = age
        // Recorded even if nobody could be asked yet: the round is open.
        try ledger.select([], round: number, attempt: 1)
        observe(.roundStarted(round: number, workers: buffer.map { $0.tasks.keys.sorted() } ?? []))
    }

    func perform(_ actions: [BufferedRounds.Action]) throws {
        for action in actions {
            switch action {
            case .recordSelection(let workers, let round): try ledger.ask(workers, round: round)
            case .offer(let worker, let round):
                offerTraining(to: worker, plan(round: round, attempt: 1), adapter: try adapter(version: round - 1))
            case .withdraw(let worker, let round, let reason):
                withdraw(worker, plan(round: round, attempt: 1), because: reason)
            case .recordFailure(let worker, let round):
                try ledger.recordFailure([worker], round: round, attempt: 1, open: buffer?.round ?? round)
            case .publish:
                guard let number = buffer?.round else { return }
                try publish(plan(round: number, attempt: 1))
                return try leaveBuffer(number)
            case .wait(let reason):
                wait(reason)
                try endIfBufferIsHopeless()
            }
        }
    }

    /// A version is published: the next round opens, or the run ends.
    private func leaveBuffer(_ number: Int) throws {
        let selector = try selector(before: number + 1, attempt: 1)
        guard number < settings.rounds, let next = buffer?.published(selector: selector, at: now) else {
            withdrawTasks(because: "the run has its last round")
            buffer = nil
            discardEndedLeases()
            return
        }
        try enterBuffer(number + 1)
        discardEndedLeases()
        try perform(next)
    }

    /// Ends all leases of an asynchronous run.
    func withdrawTasks(because reason: String) {
        for (worker, task) in (buffer?.tasks ?? [:]).sorted(by: { $0.key < $1.key }) {
            withdraw(worker, plan(round: task.round, attempt: 1), because: reason)
        }
    }

    /// Versions that nobody starts from any more need not be served, and parts of updates that nobody sends any more
    /// need not be kept.
    private func discardEndedLeases() {
        let tasks = buffer?.tasks ?? [:]
        let versions = Set(tasks.values.map { $0.round - 1 })
        earlierAdapters = earlierAdapters.filter { versions.contains($0.key) }
        let owners = Set(tasks.map { uploadOwner($0.key, $0.value.round, 1) })
        store.discardUploads { owner, _ in !owners.contains(owner) }
    }

    /// In a fleet that nobody can join, a buffer that all the others have declined would wait for ever.
    private func endIfBufferIsHopeless() throws {
        guard settings.isFleetComplete, let buffer, buffer.tasks.isEmpty, let lastDecline else { return }
        let declined = buffer.standing.values.count { $0 == .declined }
        guard declined > 0, buffer.standing.count == settings.minimumConnected,
            !buffer.standing.values.contains(.lapsed)
        else { return }
        throw RunError.roundDeclined(
            round: buffer.round, workers: declined, last: lastDecline.worker, reason: lastDecline.reason)
    }

    /// The adapter that a lease may still refer to.
    func adapter(version: Int) throws -> GlobalAdapter {
        if version == adapter.version { return adapter }
        if let earlier = earlierAdapters[version] { return earlier }
        let earlier = try publishedAdapter(version: version)
        earlierAdapters[version] = earlier
        return earlier
    }

    /// Who may be asked by what the rounds before this attempt showed.
    func selector(before round: Int, attempt: Int) throws -> Selector {
        guard settings.selection != .uniform else { return Selector() }
        return Selector(settings.selection, history: try ledger.history(before: round, attempt: attempt))
    }
}

// MARK: - What both schedules share
extension RunService {
    /// The round that is open.
    var openRoundNumber: Int? { round?.plan.round ?? buffer?.round }

    /// The round that gave this worker the training lease it holds; `nil` without one.
    func trainingPlan(of name: WorkerName) -> RoundPlan? {
        if let round, round.isActive(name) || masked?.isMember(name) == true { return round.plan }
        if let task = buffer?.tasks[name] { return plan(round: task.round, attempt: 1) }
        return nil
    }

    /// Ends a worker's training lease.
    func withdraw(_ worker: WorkerName, _ plan: RoundPlan, because reason: String) {
        pendingOffers[worker] = nil
        uploads[worker] = nil
        courses[worker] = nil
        let lease = trainingLease(of: worker, plan.round, plan.attempt)
        cancel(lease, of: worker, round: plan.round, attempt: plan.attempt, because: reason)
    }

    /// Tells a worker that its lease is over.
    func cancel(_ lease: UInt64, of worker: WorkerName, round: Int = 0, attempt: Int = 0, because reason: String) {
        guard let session = sessions[worker] else { return }
        send(.cancel(Cancel(lease: lease, reason: reason)), to: session.peer, round: round, attempt: attempt)
    }

    /// How much an update counts for its age.
    func discount(_ update: CountedUpdate) -> Double {
        settings.buffering?.discount(staleness: update.staleness) ?? 1
    }

    /// A published round's updates are of no use any more, nor are its unfinished uploads where its leases end with it.
    func discardRound(_ updates: [CountedUpdate]) {
        // The adapter stands for them now; their hashes stay in the ledger.
        let objects = updates.map(\.record.object)
        noteWait(nil)
        guard settings.buffering == nil else { return leave(objects) }
        round = nil
        uploads = [:]
        pendingOffers = PendingOffers()
        discard(objects)
    }

    /// What is to be done with an update of an asynchronous run.
    func verdict(
        on object: ContentHash, lease: UInt64, askedIn: Int, from name: WorkerName, _ buffer: BufferedRounds
    ) throws -> Round.Verdict {
        guard lease == trainingLease(of: name, askedIn, 1) else {
            return .refuse(reason: "this lease is not one of this run")
        }
        guard let recorded = try ledger.updates(round: askedIn, attempt: 1).first(where: { $0.worker == name }) else {
            return buffer.verdict(from: name, round: askedIn)
        }
        guard recorded.object == object else {
            return .refuse(reason: "another update of this worker already counts for round \(askedIn)")
        }
        return .alreadyRecorded
    }
}
