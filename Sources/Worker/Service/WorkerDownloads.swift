internal import Federation
internal import ModelFiles
internal import Wire

// MARK: - Base model and adapter
extension WorkerService {
    /// An adapter object, all of which is held in memory. Unit: bytes.
    static let adapterBytesMax: UInt64 = 1 << 30

    /// Makes sure that the run's base model is here or on its way.
    func obtainModel(_ identity: ContentHash) {
        if let held = settings.model {
            modelPath = held.path
            return
        }
        if let modelDownload, modelDownload.identity == identity { return }
        let folder = state.modelFolder(identity)
        if modelPath == folder { return }
        modelPath = nil
        modelDownload = nil
        do {
            let download = try ModelDownload(identity, folder: folder)
            if download.isComplete { modelPath = folder } else { modelDownload = download }
        } catch {
            fail("\(error)")
        }
    }

    /// Asks for what is being downloaded, from where it stands.
    func resumeDownload() {
        guard let download = modelDownload?.current ?? adapterDownload, case .open = session else {
            downloadRetry = nil
            return
        }
        send(.objectRequest(download.request()), of: task)
        downloadRetry = Retry(.bulk, at: now, random: &random)
    }

    func tickDownload() {
        guard case .open = session, var retry = downloadRetry, retry.due <= now,
            let download = modelDownload?.current ?? adapterDownload
        else { return }
        send(.objectRequest(download.request()), of: task)
        retry.wait(from: now, random: &random)
        downloadRetry = retry
    }

    func take(_ chunk: ObjectChunk, _ payload: [UInt8]) {
        guard case .open = session else { return }
        if let modelDownload {
            takeModel(modelDownload, chunk, payload)
        } else if let adapterDownload {
            takeAdapter(adapterDownload, chunk, payload)
        }
    }

    private func takeModel(_ download: ModelDownload, _ chunk: ObjectChunk, _ payload: [UInt8]) {
        let step: ObjectDownload.Step
        do { step = try download.take(chunk, payload) } catch { return fail("\(error)") }
        guard step != .ignored else { return }
        let (received, total) = download.progress
        observer(.downloading(bytes: received, total: total))
        if step == .complete {
            modelDownload = nil
            modelPath = download.folder
            prepareTask()
        }
        follow(step)
    }

    private func takeAdapter(_ download: ObjectDownload, _ chunk: ObjectChunk, _ payload: [UInt8]) {
        let step: ObjectDownload.Step
        do { step = try download.take(chunk, payload) } catch {
            adapterDownload = nil
            return giveUpTask(because: TaskReason(error))
        }
        if step == .complete {
            adapterDownload = nil
            do {
                if download.object == task?.offer.control {
                    globalControl = try control(in: download)
                } else if let catchUp = task?.offer.catchUp, download.object == catchUp.object {
                    adapter = try adapter.flatMap { try self.adapter($0, after: catchUp, download.bytes) }
                } else if download.object == task?.offer.residual {
                    residual = (download.object, try AdapterResidual(decoding: download.bytes))
                } else {
                    let (layout, values) = try AdapterObject.decode(download.bytes)
                    let decoded = GlobalAdapter(object: download.object, layout: layout, values: values)
                    if download.object == task?.offer.fixedFactors { fixedFactors = decoded } else { adapter = decoded }
                }
            } catch {
                return giveUpTask(because: TaskReason(error))
            }
            prepareTask()
        }
        follow(step)
    }

    /// The offered adapter, made of an earlier one.
    ///
    /// - Returns: `nil` if it becomes another one: then the whole has to come.
    private func adapter(
        _ base: GlobalAdapter, after catchUp: CatchUp, _ bytes: [UInt8]
    ) throws -> GlobalAdapter? {
        guard let offer = task?.offer, base.object == catchUp.base else { return nil }
        let downlink = try Downlink(catchUp.codec, seed: offer.seed)
        var values = base.values
        let changes = try AdapterChanges(decoding: bytes).changes
        guard catchUp.frozenFactors.isEmpty || catchUp.frozenFactors.count == changes.count else { return nil }
        for (index, change) in changes.enumerated() {
            let frozen = catchUp.frozenFactors.isEmpty ? nil : catchUp.frozenFactors[index]
            let part = AdapterPart(of: base.layout, without: frozen)
            var changed = part.gather(values)
            try downlink.apply(change, version: catchUp.version + index + 1, to: &changed)
            part.scatter(changed, into: &values)
        }
        let object = ContentHash(of: AdapterObject.encode(layout: base.layout, values: values))
        guard object == offer.adapter else {
            observer(.warning("changes gave another adapter than the offered one, which is downloaded whole"))
            return nil
        }
        return GlobalAdapter(object: object, layout: base.layout, values: values)
    }

    private func follow(_ step: ObjectDownload.Step) {
        switch step {
        case .ignored: break
        case .advanced: downloadRetry?.restart(at: now, random: &random)
        // A task that is prepared may have asked for the next object already; asking twice would fetch it twice.
        case .complete: if modelDownload == nil && adapterDownload == nil { downloadRetry = nil }
        case .needsRequest: resumeDownload()
        }
    }

    /// The coordinator does not have (any more) what was asked for.
    func objectRefused(_ reason: String, answering id: UInt64) {
        if modelDownload != nil { return fail("the base model cannot be downloaded: \(reason)") }
        guard let adapterDownload, let task, id >= task.firstRequest else { return }
        if adapterDownload.object == task.offer.catchUp?.object {
            // A coordinator that was started anew has the whole adapter, but none of the changes.
            return fetch(task.offer.adapter)
        }
        self.adapterDownload = nil
        downloadRetry = nil
        // Its own words.
        giveUpTask(because: TaskReason(told: reason, own: reason))
    }
}
