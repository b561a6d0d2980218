internal import Federation
internal import Wire

// MARK: - Round records
extension WorkerService {
    /// What `Hello` says of the run this worker was last in.
    var knownRecord: KnownRecord? {
        guard let run = state.run else { return nil }
        return (try? RecordMemory(folder: state.recordFolder, run: run))?.known
    }

    /// Judges the coordinator by what this worker remembers of the run, before anything else is done for it.
    ///
    /// - Returns: Whether the session may go on.
    func meetRecords(_ welcome: Welcome, of run: RunID) -> RecordHead?? {
        do throws(RecordMemory.Refusal) {
            var memory = try RecordMemory(folder: state.recordFolder, run: run)
            let head = try memory.meet(welcome)
            records = memory
            recordKey = welcome.recordKey
            return .some(head)
        } catch {
            fail("\(error)")
            return nil
        }
    }

    func take(_ head: RecordHead) {
        guard case .open = session, let recordKey, var memory = records else { return }
        do throws(RecordMemory.Refusal) {
            let isNew = try memory.take(head, signedBy: recordKey, isFirst: false)
            records = memory
            if isNew { countersign(head) }
        } catch {
            fail("\(error)")
        }
    }

    /// Says that this worker has seen the record; only with a key to sign with.
    func countersign(_ head: RecordHead) {
        guard let identity = settings.identity, case .open(let open) = session else { return }
        let statement = RecordChain.countersignature(
            of: open.worker, run: open.run, number: head.number, head: head.head)
        guard let signature = try? identity.signature(of: statement) else { return }
        send(.countersign(Countersign(head: head.head, signature: signature, number: head.number)))
    }
}
