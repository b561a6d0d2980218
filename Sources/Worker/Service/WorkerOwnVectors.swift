internal import Federation
internal import FineTuning
internal import ModelFiles
internal import Recipe
internal import Wire

// MARK: - What a worker keeps for itself from round to round
extension WorkerService {
    var ownStores: [OwnVectorStore] { residualStores + [controls, ownModels] }

    var residualStores: [OwnVectorStore] { [residuals, residualsOfA] }

    /// What codecs left out of the part that a task trains: factors that take turns have a residual each.
    func residualStore(for training: TrainingOptions) -> OwnVectorStore {
        training.frozenFactor == .b ? residualsOfA : residuals
    }

    func kept(
        _ store: OwnVectorStore, for task: ActiveTask, _ run: RunID, _ layout: AdapterLayout, count: Int
    ) -> [Float]? {
        start(from: store, for: task, run, layout, count: count).values
    }

    /// A task's start from a store; what does not fit any more is dropped and reported.
    func start(
        from store: OwnVectorStore, for task: ActiveTask, _ run: RunID, _ layout: AdapterLayout, count: Int
    ) -> OwnVectorStore.Start {
        // An evaluation names the rounds behind its adapter, and what counted in the last of them counts.
        let round = task.offer.task == .train ? task.round : task.round + 1
        let start = store.start(run: run, round: round, attempt: task.attempt, layout: layout, count: count)
        if let reason = start.dropped { reportDrop(of: store, because: reason) }
        return start
    }

    func reportDrop(of store: OwnVectorStore, because reason: String) {
        observer(
            residualStores.contains { $0 === store }
                ? .residualDropped(reason: reason) : .ownVectorDropped(name: store.name, reason: reason))
    }

    func ownStart(of task: ActiveTask, _ adapter: GlobalAdapter, _ run: RunID) throws(OwnVectorError) -> OwnStart {
        let (training, layout) = (task.offer.training, adapter.layout)
        var start = OwnStart()
        if task.offer.task == .train, training.personal.keepsControl {
            let part = training.travellingPart(of: layout)
            var global: [Float]?
            if task.offer.control != nil, let values = globalControl?.values {
                guard values.count == layout.parameterCount else { throw .controlDoesNotFit }
                global = part.gather(values)
            }
            start.keptControl = kept(controls, for: task, run, layout, count: part.count)
            start.control = ControlVariate(
                own: start.keptControl, global: global, count: part.count, training: training)
        }
        if training.personal.isPersonal {
            let count =
                training.personal.ownFactor.map { AdapterPart(of: layout, only: $0).count } ?? layout.parameterCount
            start.keptModel = kept(ownModels, for: task, run, layout, count: count)
        }
        return start
    }

    /// Gives a task what does not come with the adapter.
    func addOwn(_ own: OwnStart, to task: inout LocalTask) {
        if self.task?.offer.fixedFactors != nil {
            task.fixedFactors = fixedFactors.map { LocalTask.FixedFactors(layout: $0.layout, values: $0.values) }
        }
        let personal = task.training.personal
        task.correction = own.control?.correction ?? []
        if let factor = personal.ownFactor, let kept = own.keptModel {
            AdapterPart(of: task.layout, only: factor).scatter(kept, into: &task.values)
        }
        if personal.hasLocalAdapter { task.localAdapter = own.keptModel }
        if personal.isPersonal { task.modelFolder = state.adapterFolder }
    }

    /// What travels behind an update's Δ: the change of the control variate, or nothing.
    func controlChange(of task: ActiveTask, after delta: [Float], steps: Int) -> [Float] {
        guard let control = task.own.control else { return [] }
        let training = task.offer.training
        let schedule = LearningRateSchedule(training)
        let before = (task.round - 1) * training.localSteps
        let rateSum = (0..<max(0, steps)).reduce(0.0) { $0 + schedule.rate(at: before + $1 + 1) }
        return control.change(after: delta, rateSum: rateSum)
    }

    /// What is this worker's own of a trained model; `nil` if nothing is.
    ///
    /// - Parameter local: The local adapter after training.
    func ownModel(
        of task: ActiveTask, _ values: [Float], local: [Float]?, layout: AdapterLayout
    ) throws(OwnVectorError) -> [Float]? {
        let personal = task.offer.training.personal
        let own: [Float]
        if let factor = personal.ownFactor {
            own = AdapterPart(of: layout, only: factor).gather(values)
        } else if personal.hasLocalAdapter {
            guard let local, local.count == layout.parameterCount else { throw .noLocalAdapter }
            own = local
        } else {
            return nil
        }
        guard own.allSatisfy(\.isFinite) else { throw .notFinite }
        return own
    }

    /// Reads a downloaded control variate.
    func control(in download: ObjectDownload) throws -> GlobalControl {
        let state = try ServerOptimizerState(decoding: download.bytes)
        guard let values = state.vectors[Scaffold.control], values.allSatisfy(\.isFinite) else {
            throw OwnVectorError.controlDoesNotFit
        }
        return GlobalControl(object: download.object, values: values)
    }
}

// MARK: - Settling
extension WorkerService {
    /// Whether it is known what became of every update that a task's start depends on.
    func isSettled(for offer: Offer) -> Bool {
        let personal = offer.training.personal
        var stores: [OwnVectorStore] = []
        if personal.keepsControl || personal.isPersonal { stores += [controls, ownModels] }
        // A residual from before an update that counts would be sent a second time.
        if offer.task == .train, offer.errorFeedback { stores += residualStores }
        return unsettled(besides: offer.lease, in: stores) == nil
    }

    /// Whether what this worker keeps with an update was taken back: sent now, it would count without.
    func isTakenBack(_ pending: PendingUpdate) -> Bool {
        ownStores.contains { store in
            store.record.map { $0.standing == .restored && $0.update == OwnVectorRecord.Update(pending) } ?? false
        }
    }

    private func unsettled(besides lease: UInt64, in stores: [OwnVectorStore]) -> OwnVectorRecord.Update? {
        stores.lazy.compactMap(\.unsettled).first { $0.lease != lease }
    }

    /// What became of the update of `lease` is known. Without a vector that waits for it, nothing changes.
    ///
    /// - Parameter round: The round that it counts in, if not the one that asked for it.
    func settleOwn(lease: UInt64, counts: Bool, in round: Int? = nil) {
        for store in ownStores {
            do {
                try counts ? store.commit(lease: lease, countsIn: round) : store.restore(lease: lease)
            } catch {
                // It stays prepared on disk: the coordinator is asked again before the next update.
                observer(.warning("the \(store.name) could not be settled: \(error)"))
            }
        }
    }

    /// The gate turned these attempts back: an update that was acknowledged in one of them does not count after all.
    ///
    /// - Returns: Whether what goes with them is as it was before; otherwise this worker has ended, since its next update
    ///   would build on what does not count. Started again, it hears of the attempts once more.
    func takeBack(_ attempts: [RoundAttempt], of run: RunID) -> Bool {
        for store in ownStores {
            guard let update = store.record?.update, update.run == run.text,
                attempts.contains(where: { $0.round == update.round && $0.attempt == update.attempt })
            else { continue }
            do { try store.takeBack() } catch {
                fail("\(error): the \(store.name) cannot be taken back; free some space and start this worker again")
                return false
            }
        }
        return true
    }

    /// Asks the coordinator whether an earlier update counts, whose answer was lost: the next one builds on it.
    func askForUnsettledUpdate() {
        guard let task, let update = unsettled(besides: task.offer.lease, in: ownStores),
            case .open(let session) = session, session.run.text == update.run, let object = ContentHash(update.object),
            let codec = CodecName(update.codec)
        else { return }
        let begin = UpdateBegin(
            lease: update.lease, object: object, totalBytes: UInt64(update.totalBytes), codec: codec)
        var envelope = envelope(.updateBegin(begin))
        envelope.round = UInt32(clamping: update.round)
        envelope.attempt = UInt32(clamping: update.attempt)
        settlementQuestion = envelope.id
        link.send(envelope, payload: nil)
    }

    /// What an acknowledgement says about an update that waits to be settled; a task may have waited for it.
    func settleOwn(_ ack: UpdateAck, answering id: UInt64) {
        switch ack.state {
        case .committed: settleOwn(lease: ack.lease, counts: true, in: ack.countsIn)
        case .rejected: settleOwn(lease: ack.lease, counts: false)
        case .receivedThrough:
            // Not whole, and it is sent no more: it will never count.
            guard let settlementQuestion, id == settlementQuestion, task?.offer.lease != ack.lease else { return }
            settleOwn(lease: ack.lease, counts: false)
        }
        prepareTask()
    }
}

/// Why a task cannot have what only this worker has.
enum OwnVectorError: Error, CustomStringConvertible {
    case controlDoesNotFit
    case noLocalAdapter
    case notFinite

    var description: String {
        switch self {
        case .controlDoesNotFit:
            "the coordinator's control variate is not one of this adapter; install the same Shoal release on both sides"
        case .noLocalAdapter: "the trainer gave no local adapter of the run's shape"
        case .notFinite: "this worker's own part of the model is not finite: training diverged; lower the learning rate"
        }
    }
}
