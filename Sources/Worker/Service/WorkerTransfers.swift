internal import Federation
internal import Wire

// MARK: - Updates and reports on their way to the coordinator
extension WorkerService {
    /// - Parameter isNew: Whether the coordinator cannot have any of it yet.
    func upload(_ pending: PendingUpdate, isNew: Bool) {
        var mayBeWhole = false
        if isNew, case .open(let open) = session { mayBeWhole = open.isFrugal }
        task?.stage = .uploading(
            Upload(pending, chunkBytes: settings.chunkBytes, mayBeWhole: mayBeWhole), nil)
        resumeTransfer()
    }

    /// Begins (again) with what the task has to hand in; without a session the next `Welcome` does it.
    func resumeTransfer() {
        guard let task, case .open = session else { return }
        switch task.stage {
        case .preparing, .running, .unmasking: break
        case .uploading(var upload, _):
            let part = upload.begin()
            let envelope = envelope(part.message, of: task)
            link.send(envelope, payload: part.payload)
            let pace: Retry.Pace = part.payload == nil ? .control : .bulk
            let outstanding = Outstanding(envelope: envelope, retry: Retry(pace, at: now, random: &random))
            self.task?.stage = .uploading(upload, outstanding)
        case .reporting(let report, _):
            self.task?.stage = .reporting(report, sendRepeatedly(.report(report), of: task))
        }
    }

    func take(_ ack: UpdateAck, _ envelope: Envelope) {
        settleOwn(ack, answering: envelope.inReplyTo)
        guard let task, task.offer.lease == ack.lease, case .open = session else { return }
        switch (task.stage, ack.state) {
        case (.uploading(var upload, let outstanding?), .receivedThrough(let offset)):
            let isAnswer = envelope.inReplyTo == outstanding.envelope.id
            guard let parts = upload.received(through: offset, isAnswer: isAnswer) else { return }
            self.task?.stage = .uploading(upload, send(parts, of: task, after: outstanding, upload.phase))
        case (.uploading, .committed) where task.masks != nil:
            awaitUnmasking()
            observer(.updateAccepted(round: task.round))
        case (.unmasking, .receivedThrough):
            guard let vector = task.masks?.vector else { return }
            self.task?.masks?.retry = nil
            upload(maskedUpdate(vector, of: task), isNew: false)
        case (.uploading, .committed):
            settle()
            observer(.updateAccepted(round: task.round))
        case (.uploading, .rejected(let reason)):
            settle()
            observer(.updateRejected(round: task.round, reason: reason))
        case (.reporting(let report, _), .committed):
            settle()
            let mean = report.items > 0 ? report.lossSum / Double(report.items) : 0
            observer(.evaluated(round: task.round, items: Int(clamping: report.items), meanLoss: mean))
        case (.reporting, .rejected(let reason)):
            settle()
            observer(.taskDropped(round: task.round, reason: reason))
        default: break
        }
    }

    /// - Returns: What to say again, or how long to wait for chunks' answers, until the next acknowledgement.
    private func send(
        _ parts: [Upload.Part], of task: ActiveTask, after outstanding: Outstanding, _ phase: Upload.Phase
    ) -> Outstanding {
        var last = outstanding.envelope
        for part in parts {
            last = envelope(part.message, of: task)
            link.send(last, payload: part.payload)
        }
        let pace: Retry.Pace = phase == .sending ? .bulk : .control
        return Outstanding(envelope: last, retry: Retry(pace, at: now, random: &random))
    }

    private func settle() {
        dropPending()
        task = nil
    }

    /// The coordinator refused a message of the transfer itself.
    func dropTransfer(answering id: UInt64, reason: String) -> Bool {
        guard id != 0, let task else { return false }
        switch task.stage {
        case .uploading(_, let outstanding?), .reporting(_, let outstanding?):
            guard outstanding.envelope.id == id else { return false }
        default: return false
        }
        forgetTask(because: reason)
        return true
    }

    func tickTask() {
        tickMasks()
        guard case .open = session, let task else { return }
        switch task.stage {
        case .preparing, .running, .unmasking: break
        case .uploading(let upload, var outstanding?):
            guard outstanding.retry.due <= now else { return }
            if upload.phase == .sending || upload.phase == .whole {
                // Bytes were lost: the answer to a new begin says from where on.
                resumeTransfer()
            } else {
                repeatIfDue(&outstanding)
                self.task?.stage = .uploading(upload, outstanding)
            }
        case .reporting(let report, var outstanding?):
            guard outstanding.retry.due <= now else { return }
            repeatIfDue(&outstanding)
            self.task?.stage = .reporting(report, outstanding)
        case .uploading(_, nil), .reporting(_, nil): resumeTransfer()
        }
    }
}
