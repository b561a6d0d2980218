internal import Federation
internal import ModelFiles
internal import Recipe
internal import RunFile
internal import Wire

/// What a worker tells beside an update.
struct ToldMetrics {
    var trainingItems: Int
    /// `nil`: not told.
    var tokens: Int?
    /// `nil`: not told. Unit: nats a token.
    var loss: Double?
    var cost: TaskCost?
}

// MARK: - The owner before the coordinator
extension WorkerService {
    /// The owner's rules, or those of a worker without any.
    var policy: OwnerPolicy {
        if let owner { return owner.policy }
        var policy = OwnerPolicy()
        policy.metricsMinimumExamples = settings.metricsMinimumExamples
        return policy
    }

    /// What the owner's policy says to a task; `nil` where it may be taken.
    ///
    /// - Parameter isResumed: Whether the task's update was made before and only has to be sent.
    func ownerRefusal(
        of offer: Offer, _ envelope: Envelope, _ open: OpenSession, isResumed: Bool
    ) throws(FileError) -> PolicyRefusal? {
        try owner?.take(
            OfferTerms(
                offer, envelope, run: open.run.text, coordinator: settings.coordinator(), features: open.features,
                isResumed: isResumed))
    }

    /// Whether anything of the session's base model may be fetched at all.
    func ownerAllows(baseModel: ContentHash) -> Bool {
        guard let refusal = owner?.policy.refusal(ofBaseModel: baseModel) else { return true }
        observer(.warning("\(refusal)"))
        return false
    }

    /// How a task pays for noise on single examples: within the owner's budget for them, in this worker's own account.
    func examplePayment(for task: ActiveTask, _ run: RunID) -> ExamplePayment {
        let (folder, policy) = (state.folder, policy)
        return { step, steps in
            var ledger = try ExampleLedger(folder: folder)
            if let refusal = policy.refusal(ofExampleSteps: steps, step, after: ledger.steps) { return refusal }
            try ledger.spend(step, steps: steps, run: run.text)
            return nil
        }
    }

    /// Writes down what is about to leave.
    ///
    /// - Parameter update: What the codec gets.
    func spend(_ update: [Float], of task: ActiveTask, run: RunID) throws(FileError) {
        guard let owner else { return }
        try owner.release(
            ContentHash(of: update.withUnsafeBytes { Array($0) }), of: run.text,
            noiseMultiplier: OfferTerms.noiseMultiplier(task.offer.privacy))
    }

    /// What the run and the owner let out of a training task's figures.
    ///
    /// - Parameter items: Size of the training set.
    func told(
        of task: ActiveTask, items: Int, steps: Int, tokens: Int, loss: Double, cost: TaskCost?
    ) -> ToldMetrics {
        let isEnough = items >= policy.metricsMinimumExamples
        func lets(_ metric: OwnerPolicy.Metric) -> Bool { isEnough && mayTell(metric, of: task) }
        return ToldMetrics(
            trainingItems: lets(.trainingItems) ? items : 1, tokens: lets(.tokens) ? tokens : nil,
            loss: lets(.trainingLoss) && isMeanOverEnough(steps, of: task) ? loss : nil,
            cost: lets(.cost) ? cost : nil)
    }

    /// Takes a running task's mean loss over for heartbeats, where it may be told: over enough examples, and over so many more
    /// than the one before that no single one's loss follows from the two.
    func tellProgress(step: Int, loss: Double, items: Int) {
        guard let task, items >= policy.metricsMinimumExamples, mayTell(.trainingLoss, of: task),
            isMeanOverEnough(step - (task.told?.step ?? 0), of: task)
        else { return }
        self.task?.told = (loss, step)
    }

    private func mayTell(_ metric: OwnerPolicy.Metric, of task: ActiveTask) -> Bool {
        task.offer.privacy?.withholdsMetrics != true && policy.metrics.contains(metric)
    }

    private func isMeanOverEnough(_ steps: Int, of task: ActiveTask) -> Bool {
        let training = task.offer.training
        return Double(steps) * Double(training.batchSize) * Double(training.accumulationSteps)
            >= Double(policy.metricsMinimumExamples)
    }

    /// Whether a task's coordinator is not to learn how many blocks or examples there are.
    func hiddenItems(of offer: Offer) -> @Sendable (_ items: Int) -> Bool {
        let hidesAll = offer.privacy?.withholdsMetrics == true || !policy.metrics.contains(.trainingItems)
        let minimum = policy.metricsMinimumExamples
        return { hidesAll || $0 < minimum }
    }
}
