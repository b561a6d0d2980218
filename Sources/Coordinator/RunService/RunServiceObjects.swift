import Federation
import ModelFiles
import Wire

// MARK: - Downloads
extension RunService {
    /// Chunks that one request may draw, however much credit it names.
    static let creditChunks = 4

    /// Serves what workers need and nothing else: the current adapter (in an asynchronous run, also those that leases
    /// start from), the base model's manifest and its files. Other workers' updates lie in the same blob store and are
    /// never served.
    func serve(_ request: ObjectRequest, _ envelope: Envelope, to name: WorkerName, _ peer: Peer) throws {
        let file: MappedFile?
        let total: Int
        // An asynchronous run's workers start from different versions.
        let earlier = earlierAdapters.values.first { $0.object == request.object }
        switch request.object {
        case adapter.object:
            file = nil
            total = adapter.bytes.count
        case baseModel.identity:
            file = nil
            total = baseModel.manifest.count
        case _ where earlier != nil:
            file = nil
            total = earlier?.bytes.count ?? 0
        default:
            guard let path = baseModel.path(of: request.object) else {
                return refuse(.unknownObject, "no object \(request.object) in this run", envelope, peer)
            }
            file = try servedFiles[request.object] ?? MappedFile(path: path)
            servedFiles[request.object] = file
            total = file?.bytes.count ?? 0
        }
        guard let start = Int(exactly: request.offset), start <= total else {
            return refuse(.unknownObject, "object \(request.object) ends before this offset", envelope, peer)
        }
        let credit = min(Int(request.length), Self.creditChunks * WireLimits.payloadBytes)
        let end = min(total, start + max(credit, 1))
        var offset = start
        repeat {
            let next = min(end, offset + WireLimits.payloadBytes)
            let part: [UInt8] =
                if let file { file.withBytes { Array($0[offset..<next]) } } else if request.object == adapter.object {
                    Array(adapter.bytes[offset..<next])
                } else if let earlier {
                    Array(earlier.bytes[offset..<next])
                } else {
                    Array(baseModel.manifest[offset..<next])
                }
            guard sessions[name]?.budget.spend(1, at: now) == true else { return }
            let chunk = ObjectChunk(object: request.object, offset: UInt64(offset), totalBytes: UInt64(total))
            send(.objectChunk(chunk), payload: part, to: peer, answering: envelope.id)
            offset = next
        } while offset < end
    }
}
