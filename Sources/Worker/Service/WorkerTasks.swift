internal import Federation
internal import ModelFiles
internal import Recipe
internal import Wire

// MARK: - Offers
extension WorkerService {
    func take(_ offer: Offer, _ envelope: Envelope) {
        guard case .open(let open) = session else { return }
        if let task, task.offer.lease == offer.lease {
            return accept(task, envelope)
        }
        if let lastDecline, lastDecline.lease == offer.lease {
            return send(.decline(lastDecline), answering: envelope.id)
        }
        guard offer.task != .train || isCurrent(envelope, in: open.run) else { return }
        forgetTask(because: "the coordinator offers another task")
        let task = ActiveTask(
            offer: offer, round: Int(envelope.round), attempt: Int(envelope.attempt), firstMessage: nextMessageID)
        self.task = task
        guard offer.baseModel == open.baseModel else {
            return giveUpTask(because: "the task names another base model than the session")
        }
        if offer.task == .train {
            do { _ = try Codecs.make(offer.uplink) } catch {
                // Which codec it is, the offer says.
                return giveUpTask(because: TaskReason(told: "\(error)", own: "\(error)"))
            }
        }
        guard takeBack(offer.rolledBack, of: open.run) else { return }
        if offer.task == .train, let masking = offer.masking {
            guard beginMasks(masking, in: open.run, as: open.worker) else { return }
        }
        let hasMasked = self.task?.masks?.vector != nil
        nextHeartbeat = min(nextHeartbeat, now.advanced(bySeconds: open.heartbeatSeconds))
        // One that a crash brought back after what goes with it was taken back is trained again.
        let kept = pendingStore.load().flatMap { kept in
            kept.run == open.run && kept.lease == offer.lease && offer.masking == nil ? kept : nil
        }
        let pending = kept.flatMap { isTakenBack($0) ? nil : $0 }
        if kept != nil, pending == nil, offer.addsOwnNoise {
            return giveUpTask(because: "its noisy update was made and taken back, and a second one is not paid for")
        }
        do {
            if let refusal = try ownerRefusal(of: offer, envelope, open, isResumed: pending != nil || hasMasked) {
                waitsForMoment = refusal.isOfMoment
                return giveUpTask(because: TaskReason(refusal))
            }
        } catch {
            return fail("\(error); free some space and start this worker again")
        }
        if pending == nil, !hasMasked, open.isFrugal, modelDownload == nil, adapter?.object != offer.adapter {
            adapterDownload = ObjectDownload(wayToAdapter(of: offer), limit: Self.adapterBytesMax)
            downloadRetry = Retry(.bulk, at: now, random: &random)
        }
        accept(task, envelope)
        askForUnsettledUpdate()
        if let pending {
            upload(pending, isNew: false)
        } else {
            if offer.task == .train { pendingStore.remove() }
            if !resumeMaskedUpdate() { prepareTask() }
        }
        sayMaskStep()
    }

    /// Whether a training offer is none that a later one overtook on its way: an attempt that was turned back would be
    /// trained again on top of what followed it.
    private func isCurrent(_ envelope: Envelope, in run: RunID) -> Bool {
        let attempt = RoundAttempt(round: envelope.round, attempt: envelope.attempt)
        if let newest = newestTraining, newest.run == run {
            guard (attempt.round, attempt.attempt) >= (newest.attempt.round, newest.attempt.attempt) else {
                return false
            }
        }
        newestTraining = (run, attempt)
        return true
    }

    /// What to download for an offer's adapter: itself, or what leads to it from the one that is here.
    private func wayToAdapter(of offer: Offer) -> ContentHash {
        guard let catchUp = offer.catchUp, let adapter, adapter.object == catchUp.base else { return offer.adapter }
        return catchUp.object
    }

    /// Takes the task, and with it asks for its adapter where nothing of that has come yet.
    private func accept(_ task: ActiveTask, _ envelope: Envelope) {
        var accept = Accept(lease: task.offer.lease)
        if case .open(let open) = session, open.isFrugal, modelDownload == nil, let adapterDownload,
            adapterDownload.object == wayToAdapter(of: task.offer), adapterDownload.received == 0
        {
            accept.adapterCredit = adapterDownload.request().length
            accept.catchesUp = adapterDownload.object != task.offer.adapter
        }
        send(.accept(accept), answering: envelope.id, of: task)
    }

    func take(_ cancel: Cancel) {
        guard let task, task.offer.lease == cancel.lease else { return }
        if task.masks?.step == .reveals { return endMasks() }
        forgetTask(because: cancel.reason)
    }

    /// A message of the task found that its lease has ended. An update on its way still gets its own answer.
    func leaseEnded(_ reason: String, answering id: UInt64) {
        // What an earlier task's last heartbeat found says nothing about this one.
        guard let task, id >= task.firstMessage else { return }
        switch task.stage {
        case .preparing, .running, .reporting: forgetTask(because: reason)
        case .unmasking: task.masks?.step == .reveals ? endMasks() : forgetTask(because: reason)
        case .uploading: break
        }
    }

    /// Drops the task without a word to the coordinator, which knows.
    ///
    /// Whether an update on its way counts is not known then, not even of a lease that was withdrawn: it may have arrived
    /// under the same lease, offered again. The next task asks.
    func forgetTask(because reason: String) {
        guard let task else { return }
        if case .running = task.stage { runner.cancel(lease: task.offer.lease) }
        dropPending()
        self.task = nil
        dropAdapterDownload()
        observer(.taskDropped(round: task.round, reason: reason))
    }

    /// Forgets the update on its way. Not one with noise of the worker's own: should the attempt ask for it again, the same
    /// one is sent, which tells nothing new. It goes with the next attempt's offer.
    func dropPending() {
        if let task, task.upload != nil, !task.offer.addsOwnNoise { pendingStore.remove() }
    }

    /// Drops the task and tells the coordinator, so that another worker can take its place.
    func giveUpTask(because reason: TaskReason) {
        guard let task else { return }
        self.task = nil
        dropAdapterDownload()
        settleOwn(lease: task.offer.lease, counts: false)
        let decline = Decline(lease: task.offer.lease, reason: reason.told)
        lastDecline = decline
        send(.decline(decline), of: task)
        observer(.warning("this worker cannot take part in round \(task.round): \(reason.own)"))
        observer(.taskDropped(round: task.round, reason: reason.own))
    }

    private func dropAdapterDownload() {
        guard adapterDownload != nil else { return }
        adapterDownload = nil
        if modelDownload == nil { downloadRetry = nil }
    }
}

// MARK: - Running
extension WorkerService {
    /// Starts the task once its base model and adapter are here, and asks for what is missing.
    func prepareTask() {
        guard let task, case .preparing = task.stage, let modelPath, case .open(let open) = session else { return }
        // Slow work comes after the round-trips that a masked sum begins with.
        if let masks = task.masks, masks.routed == nil { return }
        let offer = task.offer
        guard let adapter, adapter.object == offer.adapter else { return fetch(wayToAdapter(of: offer)) }
        if let fixed = offer.fixedFactors, fixedFactors?.object != fixed { return fetch(fixed) }
        if let wanted = offer.residual, residual?.object != wanted { return fetch(wanted) }
        if let control = offer.control, globalControl?.object != control { return fetch(control) }
        // What became of the last update decides what this task starts from.
        guard isSettled(for: offer) else { return askForUnsettledUpdate() }
        let own: OwnStart
        do { own = try ownStart(of: task, adapter, open.run) } catch { return giveUpTask(because: TaskReason(error)) }
        self.task?.own = own
        self.task?.stage = .running
        observer(
            offer.task == .train ? .trainingStarted(round: task.round) : .evaluationStarted(round: task.round))
        var local = LocalTask(
            kind: offer.task == .train ? .train : .evaluate, lease: offer.lease, run: open.run, round: task.round,
            attempt: task.attempt, worker: open.worker, seed: offer.seed, adapterOptions: offer.adapterOptions,
            training: offer.training, layout: adapter.layout, values: adapter.values, modelPath: modelPath,
            residual: offer.residual.flatMap { _ in residual?.value })
        if offer.task == .train {
            do { local.ownSeed = try ownSeed(of: task, open) } catch { return fail("\(error)") }
        }
        local.hidesItems = hiddenItems(of: offer)
        addOwn(own, to: &local)
        if offer.task == .train, offer.training.exampleClip != nil {
            local.examplePayment = examplePayment(for: task, open.run)
        }
        let (described, round, policy) = (local, task.round, policy)
        local.refusal = { items, kind in
            if let refusal = policy.refusal(ofItems: items, for: kind) { return refusal }
            guard kind == .train else { return nil }
            // Passes over little text are few steps.
            let steps = OfferTerms.steps(described.training, round: round, taken: described.steps(items: items))
            return policy.refusal(ofSteps: steps, isByText: true)
        }
        runner.start(local) { [inbox] event in inbox.deliver(event, lease: offer.lease) }
    }

    /// Asks for an object that the task needs and that is not here.
    func fetch(_ object: ContentHash) {
        guard adapterDownload?.object != object else { return }
        task?.firstRequest = nextMessageID
        adapterDownload = ObjectDownload(object, limit: Self.adapterBytesMax)
        resumeDownload()
    }

    /// What the runner reports, on the loop's thread. A lease that is not held any more is not listened to.
    func taken(_ event: TaskEvent, lease: UInt64) {
        guard let task, task.offer.lease == lease, case .running = task.stage else { return }
        switch event {
        case .waitsForSlot:
            setWaiting(true)
            observer(.waitingForSlot(round: task.round))
        case .tookSlot: setWaiting(false)
        case .progress(let step, let totalSteps, let loss, let items):
            self.task?.step = step
            self.task?.totalSteps = totalSteps
            tellProgress(step: step, loss: loss, items: items)
            observer(.progress(round: task.round, step: step, totalSteps: totalSteps, loss: loss))
        case .trained(let values, let items, let steps, let tokens, let meanLoss, let local, let cost):
            trained(
                task, values, items: items, steps: steps, tokens: tokens, meanLoss: meanLoss, local: local, cost: cost)
        case .evaluated(let items, let lossSum, let squaredLossSum):
            evaluated(task, items: items, lossSum: lossSum, squaredLossSum: squaredLossSum)
        case .failed(let reason):
            giveUpTask(because: reason)
        case .unsuitable(let reason):
            giveUpTask(because: reason)
            sayGoodbye(reason: reason)
            fail(reason.own)
        }
    }

    /// The coordinator hears of it at once.
    private func setWaiting(_ waits: Bool) {
        task?.waitsForSlot = waits
        nextHeartbeat = now
    }

    /// Forms the update `local − global` of what the round trains, encodes it, and keeps it on disk before the first byte leaves.
    private func trained(
        _ task: ActiveTask, _ values: [Float], items: Int, steps: Int, tokens: Int, meanLoss: Double, local: [Float]?,
        cost: TaskCost?
    ) {
        guard let adapter, let run = state.run, let worker = state.worker else {
            preconditionFailure("a running task has an adapter, a run and a worker's name")
        }
        guard case .train = task.offer.task, values.count == adapter.layout.parameterCount, items >= 0, tokens >= 0
        else { return giveUpTask(because: "the trainer gave something else than the adapter it was given") }
        guard meanLoss.isFinite else {
            return giveUpTask(because: "the training loss is not finite: training diverged; lower the learning rate")
        }
        let part = task.offer.training.travellingPart(of: adapter.layout)
        let (after, before) = (part.gather(values), part.gather(adapter.values))
        let delta = after.withUnsafeBufferPointer { after in
            before.withUnsafeBufferPointer { before in
                [Float](unsafeUninitializedCapacity: part.count) { delta, count in
                    for index in 0..<part.count { delta.initializeElement(at: index, to: after[index] - before[index]) }
                    count = part.count
                }
            }
        }
        let pending: PendingUpdate
        do {
            let change = controlChange(of: task, after: delta, steps: steps)
            var update = change.isEmpty ? delta : delta + change
            try UpdateCheck(parameterCount: update.count).validate(update, trainingItems: UInt64(items))
            let isClipped = try protect(&update, of: task, run: run, worker: worker)
            let told = told(of: task, items: items, steps: steps, tokens: tokens, loss: meanLoss, cost: cost)
            try spend(update, of: task, run: run)
            let own = try ownModel(of: task, values, local: local, layout: adapter.layout)
            if task.masks != nil {
                pending = try mask(update, items: items, of: task, as: worker)
            } else {
                pending = try prepareUpdate(
                    update, own: own, of: task, layout: adapter.layout, run: run, worker: worker
                ) { bytes in
                    PendingUpdate(
                        run: run, round: task.round, attempt: task.attempt, lease: task.offer.lease,
                        codec: task.offer.uplink, trainingItems: told.trainingItems, steps: steps,
                        tokens: told.tokens, trainLoss: told.loss, isClipped: isClipped,
                        cost: told.cost, bytes: bytes)
                }
            }
        } catch let error as FileError {
            // A full disk, say. Declined, it would not be asked again in this round; ended, it can come back to it.
            return fail("\(error); free some space and start this worker again")
        } catch let error as WorkerStateError {
            return fail("\(error)")
        } catch {
            return giveUpTask(because: TaskReason(error))
        }
        upload(pending, isNew: true)
    }

    private func evaluated(_ task: ActiveTask, items: Int, lossSum: Double, squaredLossSum: Double) {
        guard case .evaluate = task.offer.task, items >= 0, lossSum.isFinite, squaredLossSum.isFinite else {
            return giveUpTask(because: "the evaluation gave no finite loss")
        }
        if let refusal = owner?.policy.refusal(ofItems: items, for: .evaluate) {
            return giveUpTask(because: TaskReason(refusal))
        }
        do { try owner?.report() } catch { return fail("\(error); free some space and start this worker again") }
        let report = Report(
            lease: task.offer.lease, items: UInt64(items), lossSum: lossSum, squaredLossSum: squaredLossSum)
        self.task?.stage = .reporting(report, nil)
        resumeTransfer()
    }
}
