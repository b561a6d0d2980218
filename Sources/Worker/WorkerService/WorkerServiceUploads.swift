import Federation
import Wire

// MARK: - Sending results
extension WorkerService {
    func beginUpload(_ update: StoredUpdate) {
        let upload = UpdateUpload(
            totalBytes: update.bytes.count, chunkBytes: settings.uploadChunkBytes,
            windowChunks: settings.uploadWindowChunks)
        if task?.lease != update.lease {
            task = CurrentTask(
                lease: update.lease, round: update.round, attempt: update.attempt,
                phase: .uploading(update, upload, retryTimer()), firstMessage: lastMessage + 1)
            newestOffer = max(
                newestOffer, OfferOrder(round: update.round, attempt: update.attempt, isEvaluation: false))
        } else {
            task?.phase = .uploading(update, upload, retryTimer())
        }
    }

    /// After a session was opened: transfers ask where to go on, and an update left by an earlier process is sent.
    func resumeTransfers() {
        download?.restart()
        switch task?.phase {
        case .uploading(let update, var upload, _):
            upload.restart(isNewSession: true)
            task?.phase = .uploading(update, upload, retryTimer())
        case .reporting(let report, _): task?.phase = .reporting(report, retryTimer())
        case .preparing, .running: break
        case nil:
            guard let update = StoredUpdate(readingFrom: folder.update) else { return }
            guard update.run == run else { return WorkerFolder.remove(folder.update) }
            beginUpload(update)
        }
    }

    /// Sends again what was not answered in time.
    func retry() {
        guard session != nil else { return }
        if let download, download.timer.due <= now {
            self.download?.restart()
            requestObjects()
        }
        switch task?.phase {
        case .uploading(let update, var upload, let timer) where timer.due <= now:
            upload.restart(isNewSession: false)
            task?.phase = .uploading(update, upload, timer)
            sendUpdate()
        case .reporting(let report, var timer) where timer.due <= now:
            timer.tried(at: now, using: &generator)
            task?.phase = .reporting(report, timer)
            send(.report(report), round: task?.round ?? 0, attempt: task?.attempt ?? 0)
        default: break
        }
    }

    /// Sends as much of the update as its window allows.
    func sendUpdate() {
        guard session != nil, let task, case .uploading(let update, var upload, var timer) = task.phase else { return }
        let steps = upload.next()
        guard !steps.isEmpty else { return }
        timer.tried(at: now, using: &generator)
        self.task?.phase = .uploading(update, upload, timer)
        for step in steps {
            switch step {
            case .begin:
                let begin = UpdateBegin(
                    lease: update.lease, object: update.commit.object, totalBytes: UInt64(update.bytes.count),
                    codec: update.codec)
                self.task?.controlMessage = send(.updateBegin(begin), round: update.round, attempt: update.attempt)
            case .chunk(let range):
                send(
                    .updateChunk(UpdateChunk(lease: update.lease, offset: UInt64(range.lowerBound))),
                    payload: Array(update.bytes[range]), round: update.round, attempt: update.attempt)
            case .commit:
                self.task?.controlMessage = send(
                    .updateCommit(update.commit), round: update.round, attempt: update.attempt)
            }
        }
    }

    func receive(_ ack: UpdateAck, _ envelope: Envelope) {
        guard let task, task.lease == ack.lease else { return }
        switch (task.phase, ack.state) {
        case (.uploading(let update, var upload, var timer), .receivedThrough(let offset)):
            let isControl = envelope.inReplyTo == task.controlMessage
            if isControl { self.task?.controlMessage = nil }
            if upload.received(through: offset, isAnswerToChunk: !isControl) {
                timer.progressed(at: now, using: &generator)
            }
            self.task?.phase = .uploading(update, upload, timer)
        case (.uploading, .committed):
            committedLease = task.lease
            WorkerFolder.remove(folder.update)
            self.task = nil
            observe(.updateCommitted(round: task.round))
        case (.uploading, .rejected(let reason)): drop(reason)
        case (.reporting, _):
            committedLease = task.lease
            self.task = nil
        default: break
        }
    }
}
