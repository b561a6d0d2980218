internal import Federation
internal import ModelFiles
internal import Wire

// MARK: - Error feedback
extension WorkerService {
    /// Encodes an update and keeps it, with what the codec leaves out, on disk.
    ///
    /// - Parameters:
    ///   - delta: `local − global`, `[layout.parameterCount]`, checked.
    ///   - layout: The adapter's.
    ///   - pending: Makes the pending update of the encoded bytes.
    func prepareUpdate(
        _ delta: [Float], of task: ActiveTask, layout: AdapterLayout, run: RunID, worker: WorkerName,
        pending: ([UInt8]) -> PendingUpdate
    ) throws -> PendingUpdate {
        let codec = try Codecs.make(task.offer.uplink)
        let seed = CodecSeed.derive(seed: task.offer.seed, round: task.round, attempt: task.attempt, worker: worker)
        guard task.offer.errorFeedback, !codec.isUnbiased else {
            let update = pending(codec.encode(delta, seed: seed))
            try pendingStore.save(update)
            return update
        }
        let start = residuals.start(
            run: run, round: task.round, attempt: task.attempt, layout: layout, count: delta.count)
        if let reason = start.dropped { observer(.residualDropped(reason: reason)) }
        let feedback = ErrorFeedback(delta, residual: start.residual)
        // Finite values may add up to what is not.
        try UpdateCheck(parameterCount: delta.count).validate(feedback.carried, trainingItems: 1)
        let bytes = codec.encode(feedback.carried, seed: seed)
        let left = try feedback.residual(afterSending: bytes, codec: codec, seed: seed)
        let update = pending(bytes)
        // The residual first: an update that can be sent has one to settle.
        try residuals.prepare(update, layout: layout, from: start.residual, left: left)
        try pendingStore.save(update)
        return update
    }

    /// What became of the update of `lease` is known. Without a residual that waits for it, nothing changes.
    func settleResidual(lease: UInt64, counts: Bool) {
        do {
            try counts ? residuals.commit(lease: lease) : residuals.restore(lease: lease)
        } catch {
            // It stays prepared on disk: the coordinator is asked again before the next update.
            observer(.warning("the residual of error feedback could not be settled: \(error)"))
        }
    }

    /// Asks the coordinator whether an earlier update counts, whose answer was lost: the next one builds on it.
    func askForUnsettledUpdate() {
        guard let update = residuals.unsettled, let task, task.offer.lease != update.lease,
            case .open(let session) = session, session.run.text == update.run, let object = ContentHash(update.object),
            let codec = CodecName(update.codec)
        else { return }
        let begin = UpdateBegin(
            lease: update.lease, object: object, totalBytes: UInt64(update.totalBytes), codec: codec)
        var envelope = envelope(.updateBegin(begin))
        envelope.round = UInt32(clamping: update.round)
        envelope.attempt = UInt32(clamping: update.attempt)
        link.send(envelope, payload: nil)
    }

    /// What an acknowledgement says about an update that waits to be settled.
    func settleResidual(_ ack: UpdateAck) {
        switch ack.state {
        case .committed: settleResidual(lease: ack.lease, counts: true)
        case .rejected: settleResidual(lease: ack.lease, counts: false)
        case .receivedThrough: break
        }
    }
}
