import Federation
import Recipe
import SecureAggregation
import Wire

// MARK: - Enrolment
extension RunService {
    /// An invitation's key may do one thing: register the worker's own keys.
    func receive(_ envelope: Envelope, fromInvitation id: String, _ peer: Peer) throws {
        guard case .enrol(let keys) = envelope.message else {
            return refuse(.notEnrolled, "this key is an invitation: it can only enrol", envelope, peer)
        }
        do {
            let name = try ledger.enrol(invitation: id, keys: keys)
            send(.enrolled(Enrolled(worker: name)), to: peer, answering: envelope.id)
        } catch .database(let path, let reason) {
            throw LedgerError.database(path: path, reason: reason)
        } catch {
            refuse(.notEnrolled, error.description, envelope, peer)
        }
    }

    func refuse(_ code: Refused.Code, _ reason: String, _ envelope: Envelope, _ peer: Peer, isTemporary: Bool = false) {
        send(
            .refused(Refused(code: code, reason: reason, isTemporary: isTemporary)), to: peer, answering: envelope.id)
    }

    /// A message more than the peer may send: let drop, as an answer would cost as much again.
    func noteOverBudget(_ peer: Peer) {
        note("over-budget", "more messages than a worker may send; the rest is let drop", of: peer)
    }
}

// MARK: - Sessions
extension RunService {
    func receive(_ envelope: Envelope, _ payload: [UInt8]?, from name: WorkerName, _ peer: Peer) throws {
        if case .hello(let hello) = envelope.message { return try open(hello, envelope, from: name, peer) }
        guard sessions[name]?.peer == peer else {
            return refuse(.sessionRequired, "say Hello first", envelope, peer, isTemporary: true)
        }
        guard sessions[name]?.budget.spend(1, at: now) == true else { return noteOverBudget(peer) }
        sessions[name]?.lastHeard = now
        guard farewellUntil == nil || envelope.message.belongsToFarewell else {
            return send(
                .goodbye(Goodbye(reason: farewellReason, isRunFinished: true)), to: peer, answering: envelope.id)
        }
        switch envelope.message {
        case .heartbeat(let heartbeat): try receive(heartbeat, envelope, from: name, peer)
        case .accept(let accept): try receive(accept, envelope, from: name, peer)
        case .decline(let decline): try receive(decline, from: name)
        case .objectRequest(let request): try serve(request, envelope, to: name, peer)
        case .updateBegin(let begin): try receive(begin, envelope, from: name, peer)
        case .updateChunk(let chunk): try receive(chunk, payload ?? [], envelope, from: name, peer)
        case .updateCommit(let commit): try receive(commit, envelope, from: name, peer)
        case .updateWhole(let commit): try receive(whole: commit, payload ?? [], envelope, from: name, peer)
        case .maskStep(let step): try receive(step, payload ?? [], envelope, from: name, peer)
        case .report(let report): try receive(report, envelope, from: name, peer)
        case .countersign(let countersign): try receive(countersign, envelope, from: name, peer)
        case .goodbye: try close(name)
        case .refused: break
        default: refuse(.unknownMessage, "a coordinator does not take this message now", envelope, peer)
        }
    }

    private func open(_ hello: Hello, _ envelope: Envelope, from name: WorkerName, _ peer: Peer) throws {
        guard !revoked.contains(name) else {
            return refuse(.notEnrolled, Self.revocationReason(name), envelope, peer)
        }
        if let held = hello.baseModel, held != baseModel.identity {
            return refuse(
                .baseModelMismatch,
                "the run's base model is \(baseModel.identity), this worker holds \(held); give the same model "
                    + "directory, or none to download it", envelope, peer)
        }
        guard hello.codecs.contains(where: { $0.name == settings.uplink.name }) else {
            return refuse(
                .unsupportedVersion,
                "the run compresses updates with \(settings.uplink), which this worker does not "
                    + "know; install the coordinator's release", envelope, peer)
        }
        if settings.privacy?.mechanism.isPaidByWorker == true || settings.withholdsMetrics,
            !hello.features.contains(Feature.privateUpdates)
        {
            return refuse(
                .unsupportedVersion,
                "the run asks workers to protect their updates themselves, which this worker does not know; install the "
                    + "coordinator's release", envelope, peer)
        }
        if settings.masking != nil, !hello.features.contains(Feature.maskedUpdates) {
            return refuse(
                .unsupportedVersion,
                "the run sums updates under masks, which this worker does not know or has no key to sign for; install "
                    + "the coordinator's release", envelope, peer)
        }
        if settings.privacy?.mechanism == .distributed, !hello.features.contains(Feature.sharedNoise) {
            return refuse(
                .unsupportedVersion,
                "the run's workers share noise under their masks, which this worker does not know; install the "
                    + "coordinator's release", envelope, peer)
        }
        if settings.training.exampleClip != nil, !hello.features.contains(Feature.privateExamples) {
            return refuse(
                .unsupportedVersion,
                "the run's workers add noise to gradients of single examples, which this worker does not know; install "
                    + "the coordinator's release", envelope, peer)
        }
        if settings.errorFeedback, settings.aggregation.turns > 1, !hello.features.contains(Feature.residualTurns) {
            return refuse(
                .unsupportedVersion,
                "the run's factors take turns and keep what their codec leaves out apart, which this worker does not know; "
                    + "install the coordinator's release", envelope, peer)
        }
        let isNew = sessions[name] == nil
        // The budget outlives a change of connection, or reconnecting would refill it.
        let budget = sessions[name]?.budget ?? PeerBudget(at: now)
        sessions[name] = Session(
            peer: peer, lastHeard: now, budget: budget, software: hello.software, cores: Int(hello.cores),
            memoryBytes: hello.memoryBytes, gigaflops: hello.gigaflops,
            takesPartialChanges: hello.features.contains(Feature.partialChanges))
        let head = meet(hello, of: name)
        guard sessions[name]?.budget.spend(1, at: now) == true else { return noteOverBudget(peer) }
        let welcome = Welcome(
            software: settings.software, features: [Feature.frugalUplink, Feature.roundRecords], worker: name,
            heartbeatMilliseconds: UInt32(settings.heartbeatSeconds * 1_000), baseModel: baseModel.identity,
            sequenceLength: UInt32(clamping: settings.training.sequenceLength), recordKey: records.key.publicKey,
            recordHead: head)
        send(.welcome(welcome), to: peer, answering: envelope.id)
        if farewellUntil != nil {
            return send(.goodbye(Goodbye(reason: farewellReason, isRunFinished: true)), to: peer)
        }
        everConnected.insert(name)
        if isNew { observe(.workerConnected(name)) }
        if mayTrain(name) {
            try handle(.workerAvailable(name))
            try resumeMasks(of: name)
        }
        if cohort?.isActive(name) == true {
            cohort?.renew(name, at: now)
            offerEvaluation(to: name)
        }
    }

    private func receive(
        _ heartbeat: Heartbeat, _ envelope: Envelope, from name: WorkerName, _ peer: Peer
    ) throws {
        let before = sessions[name]?.heartbeat
        sessions[name]?.heartbeat = heartbeat
        // Whatever becomes of its lease: short tasks end while their heartbeats are on the way.
        let nextKey = announcement(for: name, keeping: heartbeat.nextKey)
        if heartbeat.lease != 0 {
            guard let task = task(of: name, lease: heartbeat.lease) else {
                return refuse(.unknownLease, "this lease has ended", envelope, peer)
            }
            try renew(heartbeat.lease, envelope, from: name, peer)
            if task == .train, heartbeat.phase == .training, heartbeat.step > 0, before != heartbeat,
                let round = openRoundNumber
            {
                observe(
                    .progress(
                        round: round, worker: name, step: Int(heartbeat.step),
                        totalSteps: Int(heartbeat.totalSteps), loss: heartbeat.loss.map(Double.init)))
            }
        }
        var answer = Heartbeat(phase: .idle)
        answer.nextKey = nextKey
        send(.heartbeat(answer), to: peer, answering: envelope.id)
    }

    private func receive(_ accept: Accept, _ envelope: Envelope, from name: WorkerName, _ peer: Peer) throws {
        try renew(accept.lease, envelope, from: name, peer)
        // An old lease's adapter may be gone.
        guard accept.adapterCredit > 0, let task = task(of: name, lease: accept.lease) else { return }
        let whole = try task == .train ? startingAdapter(of: name) : adapter
        guard let object = accept.catchesUp ? sessions[name]?.catchUp?.object : whole.object else { return }
        try serve(ObjectRequest(object: object, offset: 0, length: accept.adapterCredit), envelope, to: name, peer)
    }

    /// What a worker's training lease starts from: of its rank, and in an asynchronous run of the version that was
    /// current when it was asked.
    private func startingAdapter(of name: WorkerName) throws -> GlobalAdapter {
        if let task = buffer?.tasks[name] { return try adapter(version: task.round - 1) }
        return try adapter(rank: rank(of: name))
    }

    private func renew(_ lease: UInt64, _ envelope: Envelope, from name: WorkerName, _ peer: Peer) throws {
        switch task(of: name, lease: lease) {
        case .train:
            pendingOffers[name] = nil
            noteAnswered(name)
            try handle(.renewed(name))
        case .evaluate:
            pendingOffers[name] = nil
            cohort?.renew(name, at: now)
        case nil: refuse(.unknownLease, "this lease has ended", envelope, peer)
        }
    }

    private func receive(_ decline: Decline, from name: WorkerName) throws {
        switch task(of: name, lease: decline.lease) {
        case .train:
            pendingOffers[name] = nil
            try declined(name, because: decline.reason)
        case .evaluate:
            pendingOffers[name] = nil
            let version = cohort?.version ?? adapter.version
            observe(.evaluationDeclined(version: version, worker: name, reason: decline.reason))
            cohort?.fail(name)
        case nil: break
        }
    }

    /// The worker gives no update for the open round: another one takes its place.
    func declined(_ name: WorkerName, because reason: String) throws {
        guard let round = openRoundNumber else { return }
        lastDecline = (name, reason)
        declinedOffers += 1
        declineReasons[name] = reason
        observe(.workerDeclined(round: round, worker: name, reason: reason))
        masked?.decline(name)
        try handle(.declined(name))
    }

    /// What a lease allows this worker to do now; `nil` if it has ended or never was this worker's.
    func task(of name: WorkerName, lease: UInt64) -> Lease.Task? {
        if let plan = trainingPlan(of: name), lease == trainingLease(of: name, plan.round, plan.attempt) {
            return .train
        }
        if let cohort, cohort.isActive(name), lease == evaluationLease(of: name, version: cohort.version) {
            return .evaluate
        }
        return nil
    }

    func trainingLease(of name: WorkerName, _ round: Int, _ attempt: Int) -> UInt64 {
        Lease.identifier(run: run, round: round, attempt: attempt, worker: name, task: .train)
    }

    func evaluationLease(of name: WorkerName, version: Int) -> UInt64 {
        Lease.identifier(run: run, round: version, attempt: 1, worker: name, task: .evaluate)
    }

    func close(_ name: WorkerName) throws {
        guard sessions.removeValue(forKey: name) != nil else { return }
        pendingOffers[name] = nil
        uploads[name] = nil
        courses[name] = nil
        observe(.workerLost(name))
        try handle(.workerLost(name))
        endIfEveryoneLeft()
    }

    /// Connected workers that may train, in name order.
    var trainers: [WorkerName] { sessions.keys.filter(mayTrain).sorted() }

    func mayTrain(_ name: WorkerName) -> Bool {
        !heldOut.contains(name) && privacy?.exhausted.contains(name) != true
            && privacy?.resting.contains(name) != true && !spent.contains(name)
    }
}

// MARK: - Silence and revocation
extension RunService {
    func endSilentSessions() {
        guard nextSilenceLook <= now else { return }
        nextSilenceLook = now.advanced(bySeconds: 1)
        let limit = max(settings.leaseSeconds, 3 * Heartbeat.idleIntervals * settings.heartbeatSeconds)
        let silent = sessions.filter { now.seconds(since: $0.value.lastHeard) >= limit }
        for name in silent.keys.sorted() { attempt { try close(name) } }
    }

    /// Another process may have revoked a key in the ledger.
    func pollRevocations() throws {
        for entry in dismissed where entry.due <= now { link.disconnect(entry.peer) }
        dismissed.removeAll { $0.due <= now }
        guard nextRevocationPoll <= now else { return }
        nextRevocationPoll = now.advanced(bySeconds: 1)
        revoked = try ledger.revokedWorkers()
        for name in revoked.sorted() {
            guard let session = sessions[name] else { continue }
            send(.refused(Refused(code: .notEnrolled, reason: Self.revocationReason(name))), to: session.peer)
            // The refusal leaves first; a session is gone at once.
            dismissed.append((session.peer, now.advanced(bySeconds: 0.25)))
            try close(name)
        }
    }

    static func revocationReason(_ name: WorkerName) -> String {
        "the key of worker '\(name)' was revoked; ask the coordinator's operator for a new invitation"
    }
}

extension Message {
    /// Whether a coordinator still takes it when the run is over.
    var belongsToFarewell: Bool {
        switch self {
        case .goodbye, .countersign: true
        default: false
        }
    }
}
