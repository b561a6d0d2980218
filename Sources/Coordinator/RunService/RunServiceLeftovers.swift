import Federation
import ModelFiles

// MARK: - What nothing is needed of any more
extension RunService {
    /// So long the processor is the next round's: workers are answered, and start. Unit: seconds.
    private static let leftoversDelay = 0.02

    /// Puts off the removal of what nothing is needed of. Where the process is killed before it is done, the next one does
    /// it (``leaveUnneeded()``).
    func leave(_ objects: [ContentHash]) {
        store.retire(objects)
        leftoversDue = leftoversDue ?? now.advanced(bySeconds: Self.leftoversDelay)
    }

    /// Lets go of all that earlier processes left and no row of the ledger needs: what they had made durable before a
    /// transaction that never came, or had not removed yet after one that did.
    func leaveUnneeded() throws {
        store.retire(except: try ledger.neededObjects())
        leftoversDue = now.advanced(bySeconds: Self.leftoversDelay)
        var owners: Set<String> = []
        if settings.buffering != nil {
            for (worker, round) in try ledger.bufferRecord(round: adapter.version + 1).tasks {
                owners.insert(uploadOwner(worker, round, 1))
            }
        } else if let open = try ledger.openRound() {
            owners = Set(open.selected.map { uploadOwner($0, open.number, open.attempt) })
        }
        store.discardUploads { owner, _ in !owners.contains(owner) }
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
