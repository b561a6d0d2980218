internal import Federation
internal import ModelFiles
internal import Randomness
internal import Recipe
internal import SecureAggregation
internal import Wire

// MARK: - A worker's part in a masked sum
extension WorkerService {
    /// Begins the task's part in a masked sum, or goes on with it after an interruption.
    ///
    /// - Returns: Whether the task goes on.
    func beginMasks(_ masking: UpdateMasking, in run: RunID, as name: WorkerName) -> Bool {
        guard let task else { return false }
        guard let identity = settings.identity else {
            giveUpTask(because: "the run sums updates under masks, and this worker has no key to sign with")
            return false
        }
        do {
            let folder = state.maskFolder(of: run)
            let standing = try MaskStore.open(
                folder, round: task.round, attempt: task.attempt, newSecret: settings.maskSecret)
            guard let store = standing.store else {
                giveUpTask(because: "this worker's part in this attempt of the round is over")
                return false
            }
            let identities = try KnownIdentities(path: state.identitiesFile)
            let worker = try MaskingWorker(
                name, in: MaskingContext(run: run, round: task.round, attempt: task.attempt),
                under: terms(of: masking), secret: store.secret, signing: identity.signature(of:),
                identity: { identities.key(of: $0) })
            var masks = MaskedTask(masking: masking, store: store, identities: identities, worker: worker)
            try masks.resume()
            self.task?.masks = masks
            return true
        } catch {
            stopMasks(error)
            return false
        }
    }

    /// What the offer asks for, as far as this worker's own settings do not ask for more.
    private func terms(of masking: UpdateMasking) -> MaskingTerms {
        MaskingTerms(
            assumptions: MaskingAssumptions(
                corruptFraction: max(masking.corruptFraction, settings.masksAgainst),
                dropoutFraction: masking.dropoutFraction),
            minimumCohort: max(masking.minimumCohort, settings.minimumMaskedCohort),
            quantisation: WeightedQuantisation(
                clip: masking.clip, levels: masking.levels, weightLimit: masking.weightLimit,
                noise: masking.noise.map {
                    SharedNoise(variance: $0.variance, norm: $0.norm, minimumHonest: $0.minimumHonest)
                }),
            parameterCount: masking.parameterCount)
    }

    private func stopMasks(_ error: any Error) {
        // A full disk, say. Declined, the worker would not be asked again in this attempt; ended, it can come back to it.
        if let error = error as? FileError { return fail("\(error); free some space and start this worker again") }
        giveUpTask(because: TaskReason(error))
    }

    /// Hands in the masked update that an earlier process kept, or waits for what follows it.
    ///
    /// - Returns: Whether there is one.
    func resumeMaskedUpdate() -> Bool {
        guard let task, let masks = task.masks, let vector = masks.vector else { return false }
        if masks.step == .vectors {
            upload(maskedUpdate(vector, of: task), isNew: false)
        } else {
            self.task?.stage = .unmasking
        }
        return true
    }

    /// What says nothing about this worker but its masked update.
    func maskedUpdate(_ vector: [UInt8], of task: ActiveTask) -> PendingUpdate {
        guard let run = state.run else { preconditionFailure("a task belongs to a run") }
        return PendingUpdate(
            run: run, round: task.round, attempt: task.attempt, lease: task.offer.lease,
            codec: CodecName(name: MaskingOptions.codec), trainingItems: 1,
            steps: max(1, task.offer.training.localSteps), tokens: nil, trainLoss: nil, bytes: vector)
    }

    /// Quantises and masks an update and keeps the result: from here on it is this attempt's only one.
    ///
    /// - Parameters:
    ///   - update: `local − global` of what travels, protected already where the offer asks for that.
    ///   - items: Size of the training set.
    func mask(_ update: [Float], items: Int, of task: ActiveTask, as name: WorkerName) throws -> PendingUpdate {
        guard var masks = task.masks, let routed = masks.routed, let run = state.run else {
            preconditionFailure("training begins with the neighbours' shares")
        }
        let quantisation = masks.worker.quantisation
        var rounding = StreamKey(
            seed: task.offer.seed, round: task.round, attempt: task.attempt, worker: name.text, purpose: .codec
        ).generator()
        let words: [UInt32]
        if quantisation.noise == nil {
            words = try quantisation.words(
                update, weight: min(items, masks.masking.weightLimit), rounding: &rounding)
        } else {
            var noise = SecretStream(key: try sharedNoiseKey(of: task, update, run: run, worker: name))
            words = try quantisation.noisyWords(update, rounding: &rounding, noise: &noise)
        }
        let vector = try masks.worker.mask(words, with: routed)
        try masks.store.write(.vector, vector)
        masks.vector = vector
        self.task?.masks = masks
        return maskedUpdate(vector, of: task)
    }

    /// The masked update is durable at the coordinator.
    func awaitUnmasking() {
        task?.stage = .unmasking
        guard task?.masks?.step == .vectors else { return }
        task?.masks?.isHeld = true
        task?.masks?.retry = Retry(.control, at: now, random: &random)
    }
}

// MARK: - Messages
extension WorkerService {
    func take(_ message: MaskStep, _ payload: [UInt8]) {
        guard let task, task.offer.lease == message.lease, var masks = task.masks, case .open = session else { return }
        guard !payload.isEmpty else { return held(message.step) }
        do {
            guard try masks.follow(message.step, payload) else { return }
        } catch {
            return stopMasks(error)
        }
        self.task?.masks = masks
        // Who survived is known, so this worker's update is there, whatever became of the answer.
        if masks.step == .signatures { self.task?.stage = .unmasking }
        masks.step == .vectors ? prepareTask() : sayMaskStep()
    }

    private func held(_ step: MaskStep.Step) {
        guard let masks = task?.masks, masks.step == step else { return }
        guard step != .reveals else { return endMasks() }
        guard !masks.isHeld else { return }
        task?.masks?.isHeld = true
        task?.masks?.retry = Retry(.control, at: now, random: &random)
    }

    /// This worker's part is done.
    func endMasks() {
        guard let masks = task?.masks else { return }
        task = nil
        do { try masks.store.end() } catch { observer(.warning("what was kept of a masked sum stays: \(error)")) }
    }

    /// The run is over, and with it whatever was left of its masks.
    func forgetMasks() {
        guard let run = state.run else { return }
        do { try MaskStore.end(state.maskFolder(of: run)) } catch {
            observer(.warning("what was kept of a masked sum stays: \(error)"))
        }
    }

    /// Says its message of the present step, or asks what follows it; and again until that is answered.
    func sayMaskStep() {
        guard let task, var masks = task.masks, case .open = session else { return }
        if masks.step == .vectors {
            guard case .unmasking = task.stage else {
                // The masked update goes its own way, also a second time where a disk lost it.
                self.task?.masks?.retry = nil
                return
            }
        }
        let message = MaskStep(lease: task.offer.lease, step: masks.step)
        let isQuestion = masks.isHeld || masks.step == .vectors
        send(.maskStep(message), payload: isQuestion ? [] : masks.message, of: task)
        if masks.retry == nil {
            masks.retry = Retry(.control, at: now, random: &random)
        } else {
            masks.retry?.wait(from: now, random: &random)
        }
        self.task?.masks = masks
    }

    func tickMasks() {
        guard case .open = session, let due = task?.masks?.retry?.due, due <= now else { return }
        sayMaskStep()
    }
}

extension MaskStore.Standing {
    fileprivate var store: MaskStore? {
        switch self {
        case .new(let store), .resumed(let store): store
        case .over: nil
        }
    }
}

extension MaskedTask {
    /// Takes up what an earlier process kept.
    fileprivate mutating func resume() throws {
        enter(.keys, with: worker.advertise().bytes)
        guard let introduced = try store.read(.neighbours) else { return }
        enter(.shares, with: try worker.share(IntroducedNeighbours(introduced).keys).bytes)
        guard let shares = try store.read(.shares) else { return }
        let routed = try RoutedShares(shares)
        self.routed = routed
        enter(.vectors, with: [])
        guard let kept = try store.read(.vector) else { return }
        vector = kept
        try worker.resumeMasked(with: routed)
        guard let survivors = try store.read(.survivors) else { return }
        enter(.signatures, with: try worker.sign(SurvivorSet(survivors)).bytes)
    }

    /// Does this worker's part in the step that begins, keeping what it needs for that, and the message it answers with.
    ///
    /// - Returns: Whether the step is the next one; what comes twice or too late changes nothing.
    fileprivate mutating func follow(_ next: MaskStep.Step, _ bytes: [UInt8]) throws -> Bool {
        guard next.rawValue == step.rawValue + 1 else { return false }
        switch next {
        case .keys: return false
        case .shares:
            let introduced = try IntroducedNeighbours(bytes)
            try identities.meet(introduced)
            let sealed = try worker.share(introduced.keys)
            try store.write(.neighbours, bytes)
            enter(.shares, with: sealed.bytes)
        case .vectors:
            let received = try RoutedShares(bytes)
            // Found out now, and not after the training.
            var attempt = worker
            try attempt.resumeMasked(with: received)
            try store.write(.shares, bytes)
            routed = received
            enter(.vectors, with: [])
        case .signatures:
            guard vector != nil else { return false }
            let signature = try worker.sign(SurvivorSet(bytes))
            try store.write(.survivors, bytes)
            enter(.signatures, with: signature.bytes)
        case .reveals:
            enter(.reveals, with: try worker.reveal(NeighbourSignatures(bytes)).bytes)
        }
        return true
    }
}
