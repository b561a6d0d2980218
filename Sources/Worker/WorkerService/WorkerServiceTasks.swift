import Federation
import ModelFiles
import Wire

// MARK: - Offers
extension WorkerService {
    func receive(_ offer: Offer, _ envelope: Envelope) {
        guard let session, envelope.run == run else { return }
        let (round, attempt) = (Int(envelope.round), Int(envelope.attempt))
        if offer.lease == task?.lease { return accept(offer, envelope) }
        let order = OfferOrder(round: round, attempt: attempt, isEvaluation: offer.task == .evaluate)
        // Offers are repeated, and links may delay them: an old one must not end a newer task.
        guard order >= newestOffer, offer.lease != committedLease else { return }
        newestOffer = order
        if task != nil { drop("the coordinator offered another task") }
        guard offer.baseModel == session.baseModel else {
            send(.decline(Decline(lease: offer.lease, reason: "the offer names another base model than the session")))
            return
        }
        task = CurrentTask(
            lease: offer.lease, round: round, attempt: attempt, phase: .preparing(offer), firstMessage: lastMessage + 1)
        accept(offer, envelope)
    }

    private func accept(_ offer: Offer, _ envelope: Envelope) {
        send(
            .accept(Accept(lease: offer.lease)), answering: envelope.id, round: Int(envelope.round),
            attempt: Int(envelope.attempt))
    }

    /// Gives the task up because the coordinator will not count it.
    func drop(_ reason: String) {
        guard let task else { return }
        observe(.taskDropped(round: task.round, reason: reason))
        stopTask()
        WorkerFolder.remove(folder.update)
    }

    /// Gives the task up because it cannot be done here, and says so.
    private func decline(_ reason: String) {
        guard let task else { return }
        send(.decline(Decline(lease: task.lease, reason: reason)), round: task.round, attempt: task.attempt)
        drop(reason)
    }

    func stopTask() {
        if let task, case .running = task.phase { runner.cancel(lease: task.lease) }
        if let download, case .preparing(let offer) = task?.phase, offer.adapter == download.object {
            self.download = nil
        }
        task = nil
    }
}

// MARK: - Carrying a task out
extension WorkerService {
    /// Does whatever can be done next.
    func proceed() throws {
        requestObjects()
        startTask()
        sendUpdate()
    }

    private func startTask() {
        guard case .preparing(let offer) = task?.phase, case .ready(let directory, _) = model, let session,
            let task, let bytes = try? MappedFile(path: folder.object(offer.adapter)).copy()
        else { return }
        guard ContentHash(of: bytes) == offer.adapter else {
            // What a power cut left: downloaded again.
            return WorkerFolder.remove(folder.object(offer.adapter))
        }
        let adapter: (layout: AdapterLayout, values: [Float])
        do { adapter = try AdapterObject.decode(bytes) } catch {
            return decline("the adapter cannot be read: \(error)")
        }
        guard adapter.values.allSatisfy(\.isFinite) else {
            return decline("the adapter holds values that are not finite")
        }
        // Each round brings another adapter.
        folder.removeObjects { $0 != offer.adapter && $0 != session.baseModel }
        self.task?.phase = .running(offer, adapter: adapter.values)
        observe(.taskStarted(offer.task == .train ? .train : .evaluate, round: task.round))
        let local = LocalTask(
            kind: offer.task == .train ? .train : .evaluate, lease: offer.lease, run: run, round: task.round,
            attempt: task.attempt, worker: session.worker, seed: offer.seed, adapterOptions: offer.adapterOptions,
            training: offer.training, layout: adapter.layout, adapter: adapter.values, modelDirectory: directory)
        let (loop, lease) = (loop, offer.lease)
        // Safe: the service is touched only inside closures that `post` runs on the loop's own thread, where all of its
        // other methods run; the runner's thread merely carries the reference there.
        nonisolated(unsafe) let service = self
        runner.start(local) { event in
            loop.post { service.receive(event, lease: lease) }
        }
    }

    private func receive(_ event: TaskEvent, lease: UInt64) {
        attempt {
            guard let task, task.lease == lease, case .running(let offer, let adapter) = task.phase else { return }
            switch event {
            case .progress(let step, let totalSteps, let meanLoss):
                self.task?.step = step
                self.task?.totalSteps = totalSteps
                self.task?.meanLoss = meanLoss
            case .failed(let reason): decline(reason)
            case .finished(.trained(let values, let items, let steps, let tokens, let meanLoss)):
                guard offer.task == .train else { return decline("the runner trained instead of evaluating") }
                try finishTraining(
                    offer, delta: zip(values, adapter).map { $0 - $1 }, count: adapter.count,
                    UpdateCommit(
                        lease: lease, object: offer.adapter, trainingItems: items, steps: steps, tokensTrained: tokens,
                        trainLoss: meanLoss))
            case .finished(.evaluated(let items, let lossSum, let squaredLossSum)):
                guard offer.task == .evaluate else { return decline("the runner evaluated instead of training") }
                guard items > 0 else { return decline("this worker holds no held-out text") }
                let report = Report(lease: lease, items: items, lossSum: lossSum, squaredLossSum: squaredLossSum)
                self.task?.phase = .reporting(report, retryTimer())
                retry()
            }
            try proceed()
        }
    }

    /// - Parameter draft: Its object is replaced by the encoded update's.
    private func finishTraining(_ offer: Offer, delta: [Float], count: Int, _ draft: UpdateCommit) throws {
        guard let task else { return }
        do { try UpdateCheck(parameterCount: count).validate(delta, trainingItems: draft.trainingItems) } catch {
            return decline(error.description)
        }
        guard draft.trainLoss.isFinite else { return decline("the training loss is not finite: training diverged") }
        let bytes: [UInt8]
        do { bytes = try Codecs.make(offer.uplink).encode(delta) } catch { return decline(error.description) }
        var commit = draft
        commit.object = ContentHash(of: bytes)
        let update = StoredUpdate(
            run: run, round: task.round, attempt: task.attempt, codec: offer.uplink, commit: commit, bytes: bytes)
        try update.write(to: folder.update)
        beginUpload(update)
    }
}
