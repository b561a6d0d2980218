internal import Federation
internal import ModelFiles
internal import RunFile
internal import Wire

// MARK: - What a worker does to its own update before it leaves
extension WorkerService {
    /// Clips an update and adds noise, as its task asks.
    ///
    /// The noise follows from a secret of this worker and from what it protects: an update that is made once more after a
    /// crash gets the same noise and tells nothing new, and another one gets noise of its own.
    /// - Parameter update: `local − global` of what travels, checked; changed in place.
    /// - Returns: Whether it had to be shortened; with noise of its own no, whatever the truth: that would leave without
    ///   noise.
    func protect(_ update: inout [Float], of task: ActiveTask, run: RunID, worker: WorkerName) throws -> Bool {
        guard let privacy = task.offer.privacy, let clip = privacy.clip else { return false }
        guard privacy.noiseDeviation > 0 else { return !UpdateClip.clip(&update, to: clip) }
        let content = ContentHash(of: update.withUnsafeBytes { Array($0) })
        let use = "noise \(run) \(task.round) \(task.attempt) \(worker) \(clip) \(privacy.noiseDeviation) \(content)"
        var noise = SecretStream(key: SecretStream.key(from: try state.noiseSecret(), for: use))
        _ = LocalNoise.apply(to: &update, clip: clip, deviation: privacy.noiseDeviation, noise: &noise)
        return false
    }

    /// Keys a task's draws of examples where the owner's policy asks for steps or batches of a least size: whoever chose the
    /// run's seed could look for one whose batches are a single example. The same attempt draws alike again.
    ///
    /// - Returns: `nil` where the policy asks for neither, or there is none.
    func ownSeed(of task: ActiveTask, _ open: OpenSession) throws(WorkerStateError) -> UInt64? {
        guard let policy = owner?.policy, policy.minimumSteps != nil || policy.minimumBatchSize != nil else {
            return nil
        }
        let use = "draws \(open.run) \(task.round) \(task.attempt) \(open.worker)"
        var stream = SecretStream(key: SecretStream.key(from: try state.noiseSecret(), for: use))
        return stream.next()
    }

    /// The key of this worker's share of a masked sum's noise: from its own secret and what it protects, as in
    /// ``protect(_:of:run:worker:)``.
    func sharedNoiseKey(of task: ActiveTask, _ update: [Float], run: RunID, worker: WorkerName) throws -> [UInt8] {
        let content = ContentHash(of: update.withUnsafeBytes { Array($0) })
        let variance = task.offer.masking?.noise?.variance ?? 0
        return SecretStream.key(
            from: try state.noiseSecret(),
            for: "shared noise \(run) \(task.round) \(task.attempt) \(worker) \(variance) \(content)")
    }
}

extension Offer {
    /// Whether the update leaves with noise that its worker adds alone.
    var addsOwnNoise: Bool { privacy.map { $0.clip != nil && $0.noiseDeviation > 0 } ?? false }
}
