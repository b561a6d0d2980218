internal import Federation
internal import ModelFiles
internal import Wire

// MARK: - Encoding, with error feedback
extension WorkerService {
    /// Encodes an update and keeps it, with what goes on from it at this worker, on disk.
    ///
    /// - Parameters:
    ///   - values: `local − global` of what travels, checked; with a control variate its change behind it.
    ///   - own: What is the worker's own of its model, after training; `nil` if nothing is.
    ///   - layout: The adapter's.
    ///   - pending: Makes the pending update of the encoded bytes.
    func prepareUpdate(
        _ values: [Float], own: [Float]?, of task: ActiveTask, layout: AdapterLayout, run: RunID, worker: WorkerName,
        pending: ([UInt8]) -> PendingUpdate
    ) throws -> PendingUpdate {
        let codec = try Codecs.make(task.offer.uplink)
        let seed = CodecSeed.derive(seed: task.offer.seed, round: task.round, attempt: task.attempt, worker: worker)
        let update: PendingUpdate
        if task.offer.errorFeedback, !codec.isUnbiased {
            let store = residualStore(for: task.offer.training)
            let start = start(from: store, for: task, run, layout, count: values.count)
            let decay = ResidualDecay(perRound: task.offer.residualDecay)
            let feedback = ErrorFeedback(
                values, residual: start.values,
                factor: decay.factor(from: start.round, to: task.round, turns: task.offer.residualTurns))
            // Finite values may add up to what is not.
            try UpdateCheck(parameterCount: values.count).validate(feedback.carried, trainingItems: 1)
            let bytes = codec.encode(feedback.carried, seed: seed)
            let left = try feedback.residual(afterSending: bytes, codec: codec, seed: seed)
            update = pending(bytes)
            // The worker's own vectors first: an update that can be sent has them to settle.
            try store.prepare(update, layout: layout, from: start.values, dated: start.round, next: left)
        } else {
            update = pending(codec.encode(values, seed: seed))
        }
        if let control = task.own.control {
            let sent = try codec.decode(update.bytes, count: values.count, seed: seed).suffix(control.own.count)
            try controls.prepare(
                update, layout: layout, from: task.own.keptControl, next: control.own(after: Array(sent)))
        }
        if let own { try ownModels.prepare(update, layout: layout, from: task.own.keptModel, next: own) }
        try pendingStore.save(update, isDurable: task.offer.addsOwnNoise)
        return update
    }
}
