import Federation
import ModelFiles
import SecureAggregation
import Wire

/// A worker's message for a masked sum that was checked and is not durable yet.
struct MaskArrival {
    let message: MaskMessage
    let envelope: Envelope
    let peer: Peer
}

// MARK: - Rounds under masks
extension RunService {
    /// The name that updates travel under.
    var uplinkName: CodecName {
        settings.masking == nil ? codec.name : CodecName(name: MaskingOptions.codec)
    }

    /// The masked sum of an attempt that begins; `nil` where updates are not masked.
    func maskedRound(_ plan: RoundPlan) -> MaskedRound? {
        guard let options = masking else { return nil }
        return MaskedRound(
            .init(
                asked: plan.target, stepSeconds: options.stepSeconds, vectorSeconds: plan.deadlineSeconds,
                leaseSeconds: plan.leaseSeconds),
            in: MaskingContext(run: run, round: plan.round, attempt: plan.attempt),
            under: options.terms(parameterCount: part(round: plan.round).count),
            identity: { [ledger] in (try? ledger.signingKey(of: $0))?.bytes }, at: now)
    }

    func offeredMasking(round: Int) -> UpdateMasking? {
        masking.map { options in
            UpdateMasking(
                clip: options.clip, levels: options.levels, weightLimit: options.weightLimit,
                minimumCohort: options.minimumCohort, corruptFraction: options.assumptions.corruptFraction,
                dropoutFraction: options.assumptions.dropoutFraction, parameterCount: part(round: round).count,
                noise: options.noise.map {
                    .init(variance: $0.variance, norm: $0.norm, minimumHonest: $0.minimumHonest)
                })
        }
    }

    /// The open attempt's masked sum as the ledger has it: all that was acknowledged, every closing that was acted on, in
    /// the same order, and so the same sets, messages and sum.
    ///
    /// - Parameter updates: Of the open round, those whose bytes are whole.
    func takeUpMasks(_ open: OpenRound, updates: [WorkerName: ContentHash]) throws {
        guard let plan = round?.plan, let begun = maskedRound(plan) else { return }
        masked = begun
        let messages = try ledger.maskMessages(round: plan.round, attempt: plan.attempt)
        let closed = try ledger.closedMaskSteps(round: plan.round, attempt: plan.attempt)
        for step in UnmaskingServer.Step.allCases {
            for message in messages where message.step == step {
                let verdict = masked?.take(message.bytes, of: step, from: message.worker)
                guard verdict == .taken else {
                    return try failMasks("\(step.name) of \(message.worker) do not fit any more")
                }
            }
            if step == .vectors {
                guard updates.count == open.updates.count || !closed.contains(step) else {
                    return try failMasks("a masked update that counts was damaged or missing on disk")
                }
                guard try sumVectors(updates.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }) else { return }
            }
            guard closed.contains(step) else { return noteMaskWait() }
            guard try follow(step) != nil else { return }
        }
        try publishMasked()
    }
}

// MARK: - Messages
extension RunService {
    func receive(
        _ message: MaskStep, _ payload: [UInt8], _ envelope: Envelope, from name: WorkerName, _ peer: Peer
    ) throws {
        guard masked != nil, task(of: name, lease: message.lease) == .train else {
            return refuse(.unknownLease, "this lease has ended", envelope, peer)
        }
        pendingOffers[name] = nil
        try handle(.renewed(name))
        let step = UnmaskingServer.Step(message.step)
        guard !payload.isEmpty else { return answer(step, envelope, to: name, peer) }
        switch masked?.take(payload, of: step, from: name) {
        case .taken:
            maskArrivals.append(
                MaskArrival(
                    message: MaskMessage(step: step, worker: name, bytes: payload), envelope: envelope, peer: peer))
        case .held:
            // Said twice before it was durable: the first is answered soon.
            guard !maskArrivals.contains(where: { $0.message.worker == name }) else { return }
            answer(step, envelope, to: name, peer)
        case .late, nil: refuse(.unknownLease, "the step closed without this worker", envelope, peer)
        case .refused(let reason):
            guard let plan = round?.plan else { return }
            withdraw(name, plan, because: reason)
            try declined(name, because: reason)
        }
    }

    /// Makes the messages that came since the last call durable, together, and only then acknowledges them.
    func keepMaskMessages() throws {
        let arrivals = maskArrivals
        maskArrivals = []
        guard !arrivals.isEmpty, let plan = round?.plan else { return }
        try ledger.keep(arrivals.map(\.message), round: plan.round, attempt: plan.attempt)
        for arrival in arrivals {
            answer(arrival.message.step, arrival.envelope, to: arrival.message.worker, arrival.peer)
        }
    }

    /// What follows a step for a worker, or that its message of the step is here.
    private func answer(_ step: UnmaskingServer.Step, _ envelope: Envelope, to name: WorkerName, _ peer: Peer) {
        guard let masked, let plan = round?.plan else { return }
        let lease = trainingLease(of: name, plan.round, plan.attempt)
        if let next = UnmaskingServer.Step(rawValue: step.rawValue + 1),
            let opening = masked.opening(of: next, for: name)
        {
            sendStep(next, opening, to: name, answering: envelope.id)
        } else if masked.holds(step, of: name) {
            sendStep(step, [], to: name, answering: envelope.id)
        } else if step == .vectors {
            // Lost to a failing disk: the worker has kept it.
            send(
                .updateAck(UpdateAck(lease: lease, state: .receivedThrough(0))), to: peer, answering: envelope.id,
                round: plan.round, attempt: plan.attempt)
        } else {
            refuse(.unknownLease, "this worker's \(step.name) are not here", envelope, peer)
        }
    }

    private func sendStep(
        _ step: UnmaskingServer.Step, _ bytes: [UInt8], to name: WorkerName, answering id: UInt64 = 0
    ) {
        guard let session = sessions[name], let plan = round?.plan else { return }
        let lease = trainingLease(of: name, plan.round, plan.attempt)
        send(
            .maskStep(MaskStep(lease: lease, step: step.onWire)), payload: bytes, to: session.peer, answering: id,
            round: plan.round, attempt: plan.attempt)
    }

    /// A worker that came back, and whose part in the sum goes on though its update is in, is told of its task again.
    func resumeMasks(of name: WorkerName) throws {
        guard let masked, masked.isMember(name), let round, !round.isActive(name) else { return }
        offerTraining(to: name, round.plan, adapter: try adapter(rank: rank(of: name)))
    }

    /// Adds masked updates that are durable and recorded.
    func sumVectors(_ records: [UpdateRecord]) throws {
        guard masked != nil else { return }
        _ = try sumVectors(records.map { ($0.worker, $0.object) })
    }

    /// - Returns: Whether the attempt goes on.
    private func sumVectors(_ updates: [(WorkerName, ContentHash)]) throws -> Bool {
        for (worker, object) in updates {
            let vector = try store.read(object)
            do throws(MaskingError) { try masked?.take(vector: vector, from: worker) } catch {
                try failMasks("the masked update of \(worker) is not one of this attempt: \(error)")
                return false
            }
        }
        return true
    }
}

// MARK: - Steps
extension RunService {
    /// Closes the steps that are due, one after the other.
    func advanceMasks() throws {
        while let masked, let plan = round?.plan, masked.isDue(at: now) {
            let step = masked.step
            try ledger.closeMaskStep(step, round: plan.round, attempt: plan.attempt)
            guard let closing = try follow(step) else { return }
            for (worker, bytes) in closing.messages.sorted(by: { $0.key < $1.key }) {
                guard let next = self.masked?.step else { break }
                sendStep(next, bytes, to: worker)
            }
            try publishMasked()
        }
        try endIfNobodyMasks()
        noteMaskWait()
    }

    /// In a fleet that nobody can join, a cohort that too few are willing to make would be waited for for ever.
    private func endIfNobodyMasks() throws {
        guard settings.isFleetComplete, let masked, masked.step == .keys, let round, let lastDecline,
            round.selected.count == settings.minimumConnected
        else { return }
        let declined = round.progress.values.count { $0 == .declined }
        guard round.selected.count - declined < settings.masking?.minimumCohort ?? 0 else { return }
        throw RunError.roundDeclined(
            round: round.plan.round, workers: declined, last: lastDecline.worker, reason: lastDecline.reason)
    }

    /// Acts on a step's closing, which is durable.
    ///
    /// - Returns: `nil` where the attempt is over with it.
    private func follow(_ step: UnmaskingServer.Step) throws -> MaskedRound.Closing? {
        let closing: MaskedRound.Closing?
        do throws(MaskingError) {
            closing = try masked?.close(at: now)
            _ = try masked?.sum?.sum.mean()
        } catch {
            try failMasks("\(error)")
            return nil
        }
        guard let closing, let masked, let plan = round?.plan else { return nil }
        switch step {
        case .keys: try perform(round?.fixCohort(masked.cohort, at: now) ?? [])
        case .shares:
            try perform(
                round?.leaveOut(closing.leftOut, because: "the attempt's shares are in without this worker's") ?? [])
        case .vectors: try perform(round?.close() ?? [])
        case .signatures, .reveals:
            // Their updates count; the masks come off without them.
            for worker in closing.leftOut {
                withdraw(worker, plan, because: "round \(plan.round) goes on without this worker's \(step.name)")
            }
        }
        return closing
    }

    private func publishMasked() throws {
        guard let plan = round?.plan, masked?.sum != nil else { return }
        try publish(plan)
    }

    /// Ends an attempt that cannot be unmasked; the next one takes fresh keys.
    private func failMasks(_ reason: String) throws {
        guard let round else { return }
        let plan = round.plan
        let updates = try ledger.updates(round: plan.round, attempt: plan.attempt)
        try ledger.failMasks(
            round: plan.round, attempt: plan.attempt, because: "its masks could not be taken off: \(reason)",
            counters: counters)
        noteRolledBack(round: plan.round, attempt: plan.attempt)
        let text = "round \(plan.round), attempt \(plan.attempt): its masks could not be taken off: \(reason)"
        for worker in round.selected where round.isActive(worker) || masked?.isMember(worker) == true {
            withdraw(worker, plan, because: text)
        }
        self.round = nil
        uploads = [:]
        pendingOffers = PendingOffers()
        discard(updates.map(\.object))
        noteWait(nil)
        observe(.waiting(reason: text + "; another attempt begins with fresh keys"))
        guard plan.attempt.isMultiple(of: settings.maskAttempts) else { return }
        try ledger.ask(for: .pause, cause: "\(settings.maskAttempts) attempts in a row failed; \(text)")
        nextControlPoll = now
        try pollControl()
    }

    /// A fleet's answers are no news worker by worker.
    private func noteMaskWait() {
        guard let masked, masked.sum == nil, nextMaskNotice <= now else { return }
        nextMaskNotice = now.advanced(bySeconds: 0.5)
        wait(masked.waitReason)
    }
}

extension UnmaskingServer.Step {
    init(_ step: MaskStep.Step) {
        self =
            switch step {
            case .keys: .keys
            case .shares: .shares
            case .vectors: .vectors
            case .signatures: .signatures
            case .reveals: .reveals
            }
    }

    var onWire: MaskStep.Step {
        switch self {
        case .keys: .keys
        case .shares: .shares
        case .vectors: .vectors
        case .signatures: .signatures
        case .reveals: .reveals
        }
    }
}
