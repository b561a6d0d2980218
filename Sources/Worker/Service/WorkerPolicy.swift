internal import Federation
internal import ModelFiles
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
        let (folder, policy) = (state.folder, owner?.policy)
        return { step, steps in
            var ledger = try ExampleLedger(folder: folder)
            if let refusal = policy?.refusal(ofExampleSteps: steps, step, after: ledger.steps) { return refusal }
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
    func told(of task: ActiveTask, items: Int, tokens: Int, loss: Double, cost: TaskCost?) -> ToldMetrics {
        var told = ToldMetrics(trainingItems: items, tokens: tokens, loss: loss, cost: cost)
        let isTooFew = owner.map { items < $0.policy.metricsMinimumExamples } ?? false
        let withholdsAll = isTooFew || task.offer.privacy?.withholdsMetrics == true
        func withholds(_ metric: OwnerPolicy.Metric) -> Bool {
            withholdsAll || owner.map { !$0.policy.metrics.contains(metric) } ?? false
        }
        if withholds(.trainingItems) { told.trainingItems = 1 }
        if withholds(.tokens) { told.tokens = nil }
        if withholds(.trainingLoss) { told.loss = nil }
        if withholds(.cost) { told.cost = nil }
        return told
    }

    /// Whether a task's coordinator is not to learn how many blocks or examples there are.
    func hiddenItems(of offer: Offer) -> @Sendable (_ items: Int) -> Bool {
        let policy = owner?.policy
        let hidesAll =
            offer.privacy?.withholdsMetrics == true || policy.map { !$0.metrics.contains(.trainingItems) } ?? false
        let minimum = policy?.metricsMinimumExamples ?? 0
        return { hidesAll || $0 < minimum }
    }

    /// Whether heartbeats tell the loss so far. How many examples are behind it is known only when training ends, so an
    /// owner with a policy waits for that.
    func tellsProgress(of task: ActiveTask) -> Bool {
        owner == nil && task.offer.privacy?.withholdsMetrics != true
    }
}
