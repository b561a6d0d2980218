import Federation
import ModelFiles
import Recipe

/// A published adapter as its directory holds it.
struct AdapterFiles {
    let version: Int
    let configuration: AdapterConfiguration
    /// The bytes of ``object``.
    let weights: [UInt8]
    /// What lies in the directory, as an adapter object.
    let object: ContentHash
}

// MARK: - After a publication
extension RunService {
    /// So long the processor is the next round's: workers are answered, and start. Unit: seconds.
    private static let leftoversDelay = 0.02

    /// Puts off the removal of what nothing is needed of. A process that is killed before it is done looks for the last
    /// round's updates at its next start.
    func leave(_ objects: [ContentHash]) {
        store.retire(objects)
        leftoversDue = leftoversDue ?? now.advanced(bySeconds: Self.leftoversDelay)
    }

    /// Drops an attempt's updates, and its uploads in progress.
    func discard(_ updates: [ContentHash]) {
        store.discardUpdates()
        leave(updates)
    }

    /// Removes one file, if it is time: messages that came meanwhile are not kept waiting for all of them.
    func clearSomeLeftovers() {
        guard let due = leftoversDue, due <= now else { return }
        if !store.sweep() { leftoversDue = nil }
    }

    func clearLeftovers() {
        leftoversDue = nil
        while store.sweep() {}
    }

    /// The adapter in memory as its directory is to hold it: the global model as one adapter, whatever the aggregation,
    /// so with the residual, or with the factors around a core.
    func adapterFiles() throws -> AdapterFiles {
        guard adapter.residual != nil || fixedFactors != nil else {
            // That is the adapter object, whose bytes and hash are known.
            return AdapterFiles(
                version: adapter.version, configuration: adapterConfiguration, weights: adapter.bytes,
                object: adapter.object)
        }
        let merged = try adapter.residual?.value.merged(
            into: adapter.values, layout: layout, configuration: adapterConfiguration)
        let whole =
            merged
            ?? (
                configuration: adapterConfiguration, layout: fixedFactors?.layout ?? layout,
                values: fixedFactors?.adapter(adapter.values) ?? adapter.values
            )
        let weights = AdapterObject.encode(layout: whole.layout, values: whole.values)
        return AdapterFiles(
            version: adapter.version, configuration: whole.configuration, weights: weights,
            object: ContentHash(of: weights))
    }

    /// Writes `STATE/adapters/NNNN` and `STATE/adapter`.
    func write(_ files: AdapterFiles) throws {
        try StateDirectory.createFolder(state.path + "/adapters")
        let directory = state.adapter(round: files.version)
        try AdapterDirectory.write(
            configuration: files.configuration, weights: files.weights, labels: settings.training.classNames,
            to: directory)
        try AdapterDirectory.link(state.adapter, to: directory)
    }
}
