import Federation
import ModelFiles
import Wire

/// Changes between published adapters, for workers that hold an earlier one. Kept in memory alone: a worker that none of
/// them helps gets the adapter whole, as after a restart.
struct BroadcastChanges {
    /// `nil`: adapters travel whole.
    let downlink: Downlink?
    /// By the version they lead to, the newest and those right before it.
    private var changes: [Int: Change] = [:]
    /// Hashes of the versions that the changes start from.
    private var bases: [Int: ContentHash] = [:]
    private var offered: [(version: Int, object: ContentHash, bytes: [UInt8])] = []

    private struct Change {
        let bytes: [UInt8]
        /// The factor that it leaves out.
        let frozen: AdapterTensorName.Factor?
    }

    /// A worker that slept for longer gets the adapter whole.
    private static let keptVersions = 16

    init(_ downlink: Downlink?) {
        self.downlink = downlink
    }

    /// - Parameter frozen: The factor that the change leaves out, as it stayed as it was.
    mutating func add(_ bytes: [UInt8], without frozen: AdapterTensorName.Factor?, from base: GlobalAdapter) {
        let version = base.version + 1
        changes[version] = Change(bytes: bytes, frozen: frozen)
        bases[base.version] = base.object
        changes[version - Self.keptVersions] = nil
        bases[base.version - Self.keptVersions] = nil
        offered.removeAll { $0.version < version - Self.keptVersions }
    }

    /// The changes after `version` as an object, where they are all there and smaller than the adapter itself.
    ///
    /// - Parameter takesPartial: Whether the worker knows changes that leave out a factor.
    mutating func catchUp(from version: Int, to adapter: GlobalAdapter, takesPartial: Bool) -> CatchUp? {
        guard let downlink, version < adapter.version, let base = bases[version] else { return nil }
        var missing: [Change] = []
        for next in version + 1...adapter.version {
            guard let change = changes[next] else { return nil }
            missing.append(change)
        }
        let arePartial = missing.contains { $0.frozen != nil }
        guard takesPartial || !arePartial else { return nil }
        let bytes = AdapterChanges(missing.map(\.bytes)).encoded
        guard bytes.count < adapter.bytes.count else { return nil }
        let object = ContentHash(of: bytes)
        if !offered.contains(where: { $0.object == object }) { offered.append((adapter.version, object, bytes)) }
        var catchUp = CatchUp(object: object, base: base, version: version, codec: downlink.codec.name)
        if arePartial { catchUp.frozenFactors = missing.map(\.frozen) }
        return catchUp
    }

    func bytes(of object: ContentHash) -> [UInt8]? { offered.first { $0.object == object }?.bytes }
}

// MARK: - Lossy downlink
extension RunService {
    /// The next adapter as workers will have it, and what its change leaves out for the next one.
    ///
    /// - Parameters:
    ///   - values: What the server optimiser came to, `[parameterCount]`.
    ///   - state: Gets the residual of a biased codec.
    /// - Returns: The adapter's values, and the change's bytes; `nil` where adapters travel whole.
    func broadcast(
        _ values: [Float], version: Int, state: inout ServerOptimizerState
    ) throws -> (values: [Float], change: [UInt8]?) {
        guard let downlink = broadcasts.downlink else { return (values, nil) }
        // A codec's errors would move a factor that is to stay as it is.
        let part = part(round: version)
        let residual = optimizerState.vectors[Downlink.residual]
        let change = try downlink.change(
            from: part.gather(adapter.values), to: part.gather(values), residual: residual.map(part.gather),
            version: version)
        if let left = change.residual {
            var whole = residual ?? [Float](repeating: 0, count: values.count)
            part.scatter(left, into: &whole)
            state.set(Downlink.residual, whole)
        }
        var next = values
        part.scatter(change.values, into: &next)
        return (next, change.bytes)
    }

    /// The factor that a version's change leaves out.
    func frozenFactor(version: Int) -> AdapterTensorName.Factor? {
        settings.aggregation.frozenFactor(round: version) ?? settings.aggregation.ownFactor
    }

    /// What spares this worker the download of the whole adapter; `nil` if nothing does.
    func catchUp(for worker: WorkerName, to adapter: GlobalAdapter) -> CatchUp? {
        let held = sessions[worker]?.heldVersion
        let takesPartial = sessions[worker]?.takesPartialChanges ?? false
        let found = held.flatMap { broadcasts.catchUp(from: $0, to: adapter, takesPartial: takesPartial) }
        sessions[worker]?.catchUp = found
        return found
    }

    static func downlink(_ settings: RunSettings) throws -> Downlink? {
        guard settings.downlink.name != "dense" else { return nil }
        return try Downlink(settings.downlink, seed: settings.seed)
    }
}
