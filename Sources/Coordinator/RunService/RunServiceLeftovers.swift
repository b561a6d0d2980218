import Federation
import ModelFiles

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
}
