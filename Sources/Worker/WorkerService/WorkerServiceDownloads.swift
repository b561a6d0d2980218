import Federation
import ModelFiles
import Wire

// MARK: - Base model and adapter downloads
extension WorkerService {
    /// An adapter's largest size; the coordinator is trusted to train, not to fill the disk. Unit: bytes.
    static let adapterBytesMax = 16 << 30

    /// Compares what is on disk with the run's base model.
    func settleModel(_ wanted: ContentHash) throws {
        switch model {
        case .ready(_, wanted), .filesMissing(wanted, _), .manifestMissing(wanted): return
        case .ready(let directory, let identity) where settings.modelDirectory != nil:
            return fail(
                "the run's base model is \(wanted), \(directory) holds \(identity); give the same model with --model, "
                    + "or no --model to download it")
        default: break
        }
        download = nil
        guard let manifest = storedManifest(wanted) else {
            model = .manifestMissing(wanted)
            return
        }
        try settleFiles(of: manifest, identity: wanted)
    }

    private func storedManifest(_ identity: ContentHash) -> ModelManifest? {
        guard let file = try? MappedFile(path: folder.object(identity)),
            file.withBytes({ ContentHash(of: $0) }) == identity
        else {
            return nil
        }
        return try? ModelManifest(decoding: file.copy())
    }

    /// Trusts no file by its name: a power cut may have left one that is not whole.
    private func settleFiles(of manifest: ModelManifest, identity: ContentHash) throws {
        let directory = folder.model(identity)
        try WorkerFolder.create(directory)
        let missing = manifest.files.filter { expected in
            guard let file = try? MappedFile(path: directory + "/" + expected.name) else { return true }
            return file.withBytes { ContentHash(of: $0) } != expected.hash
        }
        model = missing.isEmpty ? .ready(directory, identity) : .filesMissing(identity, missing)
    }

    /// The next object this worker lacks.
    private func wanted() -> ObjectDownload? {
        switch model {
        case .unknown: return nil
        case .manifestMissing(let identity):
            return newDownload(
                identity, "the base model's manifest", to: folder.object(identity),
                sizeLimit: ModelManifest.encodedBytesMax, isSizeExact: false)
        case .filesMissing(let identity, let files):
            guard let file = files.first else { return nil }
            return newDownload(
                file.hash, file.name, to: folder.model(identity) + "/" + file.name, sizeLimit: file.size,
                isSizeExact: true)
        case .ready:
            guard case .preparing(let offer) = task?.phase, WorkerFolder.size(folder.object(offer.adapter)) == nil
            else { return nil }
            return newDownload(
                offer.adapter, "the adapter", to: folder.object(offer.adapter), sizeLimit: Self.adapterBytesMax,
                isSizeExact: false)
        }
    }

    private func newDownload(
        _ object: ContentHash, _ name: String, to target: String, sizeLimit: Int, isSizeExact: Bool
    ) -> ObjectDownload {
        observe(.downloading(name: name))
        return ObjectDownload(
            object: object, name: name, target: target, partial: folder.partial(object), sizeLimit: sizeLimit,
            isSizeExact: isSizeExact, timer: retryTimer())
    }

    /// Asks for what is missing, if nothing is under way.
    func requestObjects() {
        guard session != nil else { return }
        if download == nil { download = wanted() }
        guard let request = download?.nextRequest() else { return }
        download?.timer.tried(at: now, using: &generator)
        send(.objectRequest(request))
    }

    func receive(_ chunk: ObjectChunk, _ payload: [UInt8]) throws {
        guard let outcome = try download?.receive(chunk, payload) else { return }
        switch outcome {
        case .ignored: break
        case .progressed: download?.timer.progressed(at: now, using: &generator)
        case .damaged(let reason):
            // Asked for again with the growing delay of its timer: a mistake must not become a flood.
            observe(.refused(reason: reason))
        case .finished:
            let object = chunk.object
            download = nil
            switch model {
            case .manifestMissing(object):
                guard let manifest = storedManifest(object) else {
                    return fail("the coordinator's base model manifest cannot be read; install its Shoal release")
                }
                try settleFiles(of: manifest, identity: object)
            case .filesMissing(let identity, let files):
                let rest = files.filter {
                    $0.hash != object || WorkerFolder.size(folder.model(identity) + "/" + $0.name) == nil
                }
                model = rest.isEmpty ? .ready(folder.model(identity), identity) : .filesMissing(identity, rest)
            default: break
            }
        }
    }
}
