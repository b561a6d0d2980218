import Federation
import ModelFiles
import Wire

/// Changes between published adapters, for workers that hold an earlier one. Kept in memory alone: a worker that none of
/// them helps gets the adapter whole, as after a restart.
struct BroadcastChanges {
    /// `nil`: adapters travel whole.
    let downlink: Downlink?
    /// By the version they lead to, the newest and those right before it.
    private var changes: [Int: [UInt8]] = [:]
    /// Hashes of the versions that the changes start from.
    private var bases: [Int: ContentHash] = [:]
    private var offered: [(version: Int, object: ContentHash, bytes: [UInt8])] = []

    /// A worker that slept for longer gets the adapter whole.
    private static let keptVersions = 16

    init(_ downlink: Downlink?) {
        self.downlink = downlink
    }

    mutating func add(_ bytes: [UInt8], from base: GlobalAdapter) {
        let version = base.version + 1
        changes[version] = bytes
        bases[base.version] = base.object
        changes[version - Self.keptVersions] = nil
        bases[base.version - Self.keptVersions] = nil
        offered.removeAll { $0.version < version - Self.keptVersions }
    }

    /// The changes after `version` as an object, where they are all there and smaller than the adapter itself.
    mutating func catchUp(from version: Int, to adapter: GlobalAdapter) -> CatchUp? {
        guard let downlink, version < adapter.version, let base = bases[version] else { return nil }
        var missing: [[UInt8]] = []
        for next in version + 1...adapter.version {
            guard let change = changes[next] else { return nil }
            missing.append(change)
        }
        let bytes = AdapterChanges(missing).encoded
        guard bytes.count < adapter.bytes.count else { return nil }
        let object = ContentHash(of: bytes)
        if !offered.contains(where: { $0.object == object }) { offered.append((adapter.version, object, bytes)) }
        return CatchUp(object: object, base: base, version: version, codec: downlink.codec.name)
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
        let change = try downlink.change(
            from: adapter.values, to: values, residual: optimizerState.vectors[Downlink.residual], version: version)
        if let residual = change.residual { state.set(Downlink.residual, residual) }
        return (change.values, change.bytes)
    }

    /// What spares this worker the download of the whole adapter; `nil` if nothing does.
    func catchUp(for worker: WorkerName, to adapter: GlobalAdapter) -> CatchUp? {
        let held = sessions[worker]?.heldVersion
        let found = held.flatMap { broadcasts.catchUp(from: $0, to: adapter) }
        sessions[worker]?.catchUp = found
        return found
    }

    static func downlink(_ settings: RunSettings) throws -> Downlink? {
        guard settings.downlink.name != "dense" else { return nil }
        return try Downlink(settings.downlink, seed: settings.seed)
    }
}
