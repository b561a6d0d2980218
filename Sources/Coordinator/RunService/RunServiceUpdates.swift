import Federation
import ModelFiles
import Recipe
import SecureAggregation
import Wire

// MARK: - Uploads
extension RunService {
    func receive(_ begin: UpdateBegin, _ envelope: Envelope, from name: WorkerName, _ peer: Peer) throws {
        guard try admits(begin.lease, begin.object, envelope, name, peer) else { return }
        guard begin.codec == uplinkName else {
            return acknowledge(
                .rejected(reason: "the run compresses updates with \(uplinkName)"), begin.lease, envelope, peer)
        }
        guard
            let upload = try openUpload(begin.lease, begin.object, bytes: begin.totalBytes, envelope, from: name, peer)
        else { return }
        try keepLease(name)
        noteSent(name)
        acknowledge(.receivedThrough(UInt64(upload.receivedBytes)), begin.lease, envelope, peer)
    }

    /// An update that came in one message: announced, received and committed at once.
    func receive(
        whole commit: UpdateCommit, _ payload: [UInt8], _ envelope: Envelope, from name: WorkerName, _ peer: Peer
    ) throws {
        guard try admits(commit.lease, commit.object, envelope, name, peer),
            fits(UInt64(payload.count), commit.lease, envelope, from: name, peer)
        else { return }
        try keepLease(name)
        noteSent(name)
        guard ContentHash(of: payload) == commit.object else {
            // The worker's mistake: in chunks, from the start.
            _ = try openUpload(
                commit.lease, commit.object, bytes: UInt64(payload.count), envelope, from: name, peer)
            return acknowledge(.receivedThrough(0), commit.lease, envelope, peer)
        }
        try payload.withUnsafeBytes { bytes in
            try arrive(.whole(commit.object, payload), bytes, commit, envelope, from: name, peer)
        }
    }

    /// Whether an update may be so large; rejects it otherwise.
    private func fits(
        _ bytes: UInt64, _ lease: UInt64, _ envelope: Envelope, from name: WorkerName, _ peer: Peer
    ) -> Bool {
        guard let plan = trainingPlan(of: name) else { return false }
        if let masked {
            guard let reason = masked.refusal(ofVector: Int(clamping: bytes), from: name) else { return true }
            acknowledge(.rejected(reason: reason), lease, envelope, peer)
            return false
        }
        let limit = codec.maximumEncodedBytes(count: updateCount(round: plan.round, of: name))
        guard bytes > UInt64(limit) else { return true }
        acknowledge(
            .rejected(reason: "an update of \(bytes) bytes; at most \(limit) fit this adapter"), lease, envelope, peer)
        return false
    }

    /// Makes room for an update that may come, or goes on with what is there of it; `nil` once it was rejected.
    private func openUpload(
        _ lease: UInt64, _ object: ContentHash, bytes: UInt64, _ envelope: Envelope, from name: WorkerName, _ peer: Peer
    ) throws -> Upload? {
        guard let plan = trainingPlan(of: name), fits(bytes, lease, envelope, from: name, peer) else { return nil }
        let owner = uploadOwner(name, plan.round, plan.attempt)
        let key = UploadKey(owner: owner, object: object)
        if let upload = uploads[name], upload.key == key, upload.lease == lease, upload.totalBytes == bytes {
            return upload
        }
        store.discardUploads { $0 == owner && $1 != key.object.description }
        var upload = Upload(key: key, lease: lease, totalBytes: Int(bytes))
        // What an earlier process received.
        if let held = try store.map(key) {
            if held.bytes.count <= upload.totalBytes {
                held.withBytes { upload.received($0) }
            } else {
                store.discard(key)
            }
        }
        uploads[name] = upload
        return upload
    }

    func receive(
        _ chunk: UpdateChunk, _ payload: [UInt8], _ envelope: Envelope, from name: WorkerName, _ peer: Peer
    ) throws {
        // Without an upload, a chunk came before its begin: the worker will ask where to go on.
        guard task(of: name, lease: chunk.lease) == .train, var upload = uploads[name], upload.lease == chunk.lease
        else { return }
        try keepLease(name)
        if chunk.offset == UInt64(upload.receivedBytes), payload.count <= upload.totalBytes - upload.receivedBytes {
            try store.append(payload, to: upload.key)
            payload.withUnsafeBytes { upload.received($0) }
            uploads[name] = upload
        }
        acknowledge(.receivedThrough(UInt64(upload.receivedBytes)), chunk.lease, envelope, peer)
    }

    func receive(_ commit: UpdateCommit, _ envelope: Envelope, from name: WorkerName, _ peer: Peer) throws {
        guard try admits(commit.lease, commit.object, envelope, name, peer) else { return }
        guard let upload = uploads[name], upload.key.object == commit.object else {
            return acknowledge(.receivedThrough(0), commit.lease, envelope, peer)
        }
        try keepLease(name)
        guard upload.isComplete else {
            return acknowledge(.receivedThrough(UInt64(upload.receivedBytes)), commit.lease, envelope, peer)
        }
        // The file may be gone: another worker's equal update was there, and went when its round was published.
        guard upload.hash == commit.object, let held = try store.map(upload.key),
            held.bytes.count == upload.totalBytes
        else {
            // What a power cut left of an earlier part, or a worker's mistake: from the start.
            store.discard(upload.key)
            uploads[name]?.restart()
            return acknowledge(.receivedThrough(0), commit.lease, envelope, peer)
        }
        try held.withBytes { bytes in
            try arrive(.uploaded(upload.key), bytes, commit, envelope, from: name, peer)
        }
    }

    /// Takes an update whose bytes are those of its name, if its content is in order; it is acknowledged once durable.
    private func arrive(
        _ update: ReceivedUpdate, _ bytes: UnsafeRawBufferPointer, _ commit: UpdateCommit, _ envelope: Envelope,
        from name: WorkerName, _ peer: Peer
    ) throws {
        // Said twice before the first was answered.
        guard let plan = trainingPlan(of: name), !arrivals.contains(where: { $0.worker == name }) else { return }
        if let reason = refusal(of: bytes, commit, from: name, plan) {
            if case .uploaded(let key) = update { store.discard(key) }
            uploads[name] = nil
            acknowledge(.rejected(reason: reason), commit.lease, envelope, peer)
            return try declined(name, because: reason)
        }
        let record = UpdateRecord(
            worker: name, object: commit.object, items: commit.trainingItems, steps: commit.steps,
            tokens: commit.tokensTrained, trainLoss: commit.trainLoss.map(Double.init), cost: commit.cost)
        arrivals.append(
            Arrival(
                update: update, record: record, lease: commit.lease, isClipped: commit.isClipped, envelope: envelope,
                worker: name, peer: peer))
    }

    /// A worker's update, from the bytes it sent in a round's attempt.
    func decode(_ bytes: [UInt8], from worker: WorkerName, _ plan: RoundPlan) throws(CodecError) -> [Float] {
        try codec.decode(bytes, count: updateCount(round: plan.round, of: worker), seed: codecSeed(of: worker, plan))
    }

    func codecSeed(of worker: WorkerName, _ plan: RoundPlan) -> UInt64 {
        CodecSeed.derive(seed: plan.seed, round: plan.round, attempt: plan.attempt, worker: worker)
    }

    /// Why an update does not count, for its worker; `nil` if it does.
    private func refusal(
        of bytes: UnsafeRawBufferPointer, _ commit: UpdateCommit, from worker: WorkerName, _ plan: RoundPlan
    ) -> String? {
        do {
            if let masked {
                guard commit.trainingItems > 0 else { throw UpdateRefusal.noTrainingItems }
                if let reason = masked.refusal(ofVector: bytes.count, from: worker) { return reason }
            } else {
                try UpdateCheck(parameterCount: updateCount(round: plan.round, of: worker)).validate(
                    encoded: bytes, by: codec, seed: codecSeed(of: worker, plan), trainingItems: commit.trainingItems)
            }
        } catch {
            return String(describing: error)
        }
        guard commit.trainLoss?.isFinite ?? true else { return "the training loss is not finite: training diverged" }
        guard commit.steps > 0 else { return "the update says that no training step stands behind it" }
        let asked = settings.training.localSteps
        guard commit.steps <= asked else {
            return
                "the update says that \(commit.steps) training steps stand behind it, and its task asked for at most \(asked); "
                + "install the same Shoal release on both sides"
        }
        // Numbers that enter sums: no honest worker comes near.
        guard commit.trainingItems <= 1 << 40, (commit.tokensTrained ?? 0) <= 1 << 50 else {
            return "the update claims an impossible amount of training data"
        }
        return nil
    }

    /// Whether an update may (still) come under this lease; otherwise the worker is told what became of it.
    func admits(
        _ lease: UInt64, _ object: ContentHash, _ envelope: Envelope, _ name: WorkerName, _ peer: Peer
    ) throws -> Bool {
        switch try verdict(lease, object, envelope, name) {
        case .take: return true
        case .alreadyRecorded:
            let isAsynchronous = settings.buffering != nil
            let countsIn =
                isAsynchronous ? try ledger.roundOfArrival(askedIn: Int(envelope.round), of: name) : nil
            acknowledge(.committed, lease, envelope, peer, countsIn: countsIn)
        case .refuse(let reason): acknowledge(.rejected(reason: reason), lease, envelope, peer)
        }
        return false
    }

    private func verdict(
        _ lease: UInt64, _ object: ContentHash, _ envelope: Envelope, _ name: WorkerName
    ) throws -> Round.Verdict {
        if let round, lease == trainingLease(of: name, round.plan.round, round.plan.attempt) {
            return round.verdict(on: object, from: name)
        }
        if let buffer {
            return try verdict(on: object, lease: lease, askedIn: Int(envelope.round), from: name, buffer)
        }
        // A lease of an earlier round: the answer to its commit may have been lost, so the ledger is asked.
        let (number, attempt) = (Int(envelope.round), Int(envelope.attempt))
        guard lease == trainingLease(of: name, number, attempt) else {
            return .refuse(reason: "this lease is not one of this run")
        }
        let recorded = try ledger.updates(round: number, attempt: attempt).first { $0.worker == name }
        guard recorded?.object != object else { return .alreadyRecorded }
        return .refuse(reason: isPaused ? "the run is paused" : "round \(number) is closed")
    }

    private func keepLease(_ name: WorkerName) throws {
        pendingOffers[name] = nil
        noteAnswered(name)
        try handle(.renewed(name))
    }

    /// - Parameter countsIn: The round that a committed update counts in, where it is known.
    func acknowledge(
        _ state: UpdateAck.State, _ lease: UInt64, _ envelope: Envelope, _ peer: Peer, countsIn: Int? = nil
    ) {
        let later = countsIn.flatMap { $0 > Int(envelope.round) ? $0 : nil }
        send(
            .updateAck(UpdateAck(lease: lease, state: state, countsIn: later)), to: peer, answering: envelope.id,
            round: Int(envelope.round), attempt: Int(envelope.attempt))
    }

    func uploadOwner(_ name: WorkerName, _ round: Int, _ attempt: Int) -> String {
        "\(run)-\(round)-\(attempt)-\(name)"
    }
}
