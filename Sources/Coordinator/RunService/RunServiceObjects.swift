import Federation
import ModelFiles
import Wire

// MARK: - Downloads
extension RunService {
    /// Chunks that one request may draw, however much credit it names.
    static let creditChunks = 4

    /// Serves what workers need and nothing else: the current adapter (for every rank, and in an asynchronous run those
    /// that leases start from) with what belongs to it or leads to it, the base model's manifest and its files. Other workers' updates
    /// lie in the same blob store and are never served.
    func serve(_ request: ObjectRequest, _ envelope: Envelope, to name: WorkerName, _ peer: Peer) throws {
        var file: MappedFile?
        var held: ServedObject?
        if let bytes = heldBytes(of: request.object) {
            held = servedObjects[request.object] ?? ServedObject(bytes)
            servedObjects[request.object] = held
        } else {
            guard let path = baseModel.path(of: request.object) else {
                return refuse(.unknownObject, "no object \(request.object) in this run", envelope, peer)
            }
            file = try servedFiles[request.object] ?? MappedFile(path: path)
            servedFiles[request.object] = file
        }
        let total = held?.totalBytes ?? file?.bytes.count ?? 0
        guard let start = Int(exactly: request.offset), start <= total else {
            return refuse(.unknownObject, "object \(request.object) ends before this offset", envelope, peer)
        }
        let credit = min(Int(request.length), Self.creditChunks * WireLimits.payloadBytes)
        let end = min(total, start + max(credit, 1))
        var offset = start
        repeat {
            let next = min(end, offset + WireLimits.payloadBytes)
            let part = held?.part(from: offset, to: next) ?? file?.withBytes { Array($0[offset..<next]) } ?? []
            guard sessions[name]?.budget.spend(1, at: now) == true else { return noteOverBudget(peer) }
            let chunk = ObjectChunk(object: request.object, offset: UInt64(offset), totalBytes: UInt64(total))
            send(.objectChunk(chunk), payload: part, to: peer, answering: envelope.id)
            offset = next
        } while offset < end
    }

    /// Objects that are in memory anyway.
    private func heldBytes(of object: ContentHash) -> [UInt8]? {
        switch object {
        case adapter.object: adapter.bytes
        case adapter.residual?.object: adapter.residual?.bytes
        case control?.object: control?.bytes
        case fixedFactors?.object: fixedFactors?.bytes
        case baseModel.identity: baseModel.manifest
        // Workers of a lower rank, and those of an asynchronous run that start from an earlier version.
        default:
            smallerAdapter(object)?.bytes ?? earlierAdapters.values.first { $0.object == object }?.bytes
                ?? broadcasts.bytes(of: object)
        }
    }
}
