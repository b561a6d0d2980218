import Federation
import ModelFiles

// MARK: - What a failing disk took
extension RunService {
    /// An adapter's object as it was published: from its blob, or, where that is damaged or missing, from the copy in
    /// `adapters/NNNN` if that gives the same bytes. Then the blob is mended.
    static func publishedBytes(
        _ object: ContentHash, version: Int, store: BlobStore, state: StateDirectory, ledger: Ledger
    ) throws -> [UInt8] {
        if let bytes = store.soundBytes(of: object) { return bytes }
        let copy = state.adapter(round: version)
        guard let (_, layout, values) = try? AdapterDirectory.read(copy) else {
            throw RunError.adapterDamaged(version: version, blob: store.path(of: object), copy: copy)
        }
        let bytes = AdapterObject.encode(layout: layout, values: values)
        guard ContentHash(of: bytes) == object else {
            throw RunError.adapterDamaged(version: version, blob: store.path(of: object), copy: copy)
        }
        try store.write(bytes)
        try ledger.note(.recovered, "the blob of adapter \(version) was damaged or missing; restored from \(copy)")
        return bytes
    }

    /// What earlier rounds added to the base for good, as it was published with an adapter; `nil` without one.
    static func publishedResidual(version: Int, store: BlobStore, ledger: Ledger) throws -> PublishedResidual? {
        try ledger.residual(version: version)?.object.map { try PublishedResidual($0, store: store) }
    }

    /// A published adapter with what belongs to it.
    func publishedAdapter(version: Int) throws -> GlobalAdapter {
        guard let object = try ledger.adapter(version: version) else { throw RunError.missingAdapter }
        return try GlobalAdapter(
            version: version, object: object, layout: layout,
            bytes: Self.publishedBytes(object, version: version, store: store, state: state, ledger: ledger),
            residual: Self.publishedResidual(version: version, store: store, ledger: ledger))
    }

    /// The open round's updates whose bytes are whole. The others do not count any more: their workers are asked again.
    func soundUpdates(of open: OpenRound) throws -> [UpdateRecord] {
        try open.updates.filter { update in
            guard store.soundBytes(of: update.object) == nil else { return true }
            let text =
                "the update of worker \(update.worker) for round \(open.number) was damaged or missing on disk; the "
                + "worker is asked again"
            try ledger.forget(update.worker, round: open.number, attempt: open.attempt, because: text)
            store.remove(update.object)
            observe(.waiting(reason: text))
            return false
        }
    }
}
