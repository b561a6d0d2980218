import Federation
import ModelFiles
import Wire

/// The chain of a run's round records, as far as the service needs it in memory.
struct RecordsOfRun {
    let key: RecordKey
    let salt: RecordSalt
    private(set) var last: SignedRecord?
    /// Of all records; the first is record 1's. 32 bytes each.
    private(set) var contents: [ContentHash]
    private let origin: ContentHash
    /// Checked and not yet in the ledger: one write takes those of a second.
    var countersignatures: [Countersignature] = []
    var nextKeep = Instant(nanoseconds: .min)

    /// Takes up the chain of a ledger, or begins one with a new key.
    init(run: RunID, ledger: Ledger, state: String) throws {
        let path = RecordKey.path(in: state)
        if let chain = try ledger.chain() {
            do { key = try RecordKey(path: path) } catch let error as FileError where error.isMissing {
                throw RecordError.keyMissing(path: path)
            }
            guard key.publicKey == chain.publicKey else { throw RecordError.otherKey(path: path) }
            salt = chain.salt
        } else {
            key = try RecordKey.readOrCreate(in: state)
            salt = .random()
            try ledger.beginChain(key.publicKey, salt)
        }
        origin = RecordChain.origin(of: run)
        last = try ledger.lastRecord()
        contents = try ledger.recordContents()
    }

    /// Of the last record; 0 if there is none.
    var number: UInt64 { last?.number ?? 0 }
    var head: ContentHash { last?.hash ?? origin }

    mutating func append(_ record: SignedRecord) {
        precondition(record.number == number + 1, "records follow one another")
        last = record
        contents.append(record.content)
    }
}

/// What a session knows of its worker's place in the chain.
struct RecordsOfSession {
    /// The newest record that the worker is known to hold; `nil` if it remembers none of this run.
    var held: UInt64?
    /// The first and the newest one that were sent; 0: none was.
    var firstSent: UInt64 = 0
    var sent: UInt64 = 0
    /// `.some(nil)`: looked up, and there is none.
    var signingKey: PublicKey??
}

// MARK: - Records
extension RunService {
    /// The next record of the chain, not yet in the ledger. Asked for again after a crash, it differs in nothing.
    func signedRecord(
        _ kind: RoundRecord.Kind, _ plan: RoundPlan, _ updates: [CountedUpdate], adapter: GlobalAdapter,
        whole: ContentHash?, optimizerState: ContentHash?
    ) throws -> SignedRecord {
        let number = records.number + 1
        let record = RoundRecord(
            run: run, number: number, kind: kind, round: plan.round, attempt: plan.attempt, previous: records.head,
            configuration: configuration, baseModel: baseModel.identity, adapter: adapter.object,
            whole: whole == adapter.object ? nil : whole, optimizerState: optimizerState,
            updates: (hidesParticipation ? [] : updates).map { update in
                RoundRecord.Update(
                    hash: records.salt.hash(
                        of: update.record.object, from: update.record.worker, run: run, round: update.askedIn,
                        attempt: update.attempt
                    ).description,
                    weight: "\(discount(update) * settings.weightCap.weight(trainingItems: update.record.items))")
            })
        let body = record.canonical
        let content = ContentHash(of: body)
        let hash = RecordChain.hash(after: records.head, content: content)
        let statement = RecordChain.statement(
            run: run, number: number, round: UInt32(clamping: plan.round), head: hash)
        return SignedRecord(
            number: number, round: plan.round, attempt: plan.attempt, body: String(decoding: body, as: UTF8.self),
            content: content, hash: hash, signature: try records.key.signature(of: statement))
    }
}

// MARK: - Heads to workers, countersignatures back
extension RunService {
    /// Takes note of what a worker remembers.
    ///
    /// - Returns: The head that its `Welcome` brings; `nil` if there is none yet.
    func meet(_ hello: Hello, of name: WorkerName) -> RecordHead? {
        guard hello.features.contains(Feature.roundRecords) else { return nil }
        var session = RecordsOfSession()
        if let known = hello.knownRecord, known.run == run { session.held = known.number }
        sessions[name]?.records = session
        return nextHead(for: name)
    }

    /// The newest head, or a step towards it, and marks it as sent; `nil` if the worker had it before.
    private func nextHead(for name: WorkerName) -> RecordHead? {
        guard let session = sessions[name]?.records, let last = records.last else { return nil }
        guard session.sent < last.number else { return nil }
        var (target, links) = (last, ArraySlice<ContentHash>())
        if session.held != nil || session.firstSent > 0 {
            // From what it certainly holds; a worker that never signs is trusted to have got what was sent.
            var start = min(Int(clamping: session.held ?? session.firstSent), records.contents.count)
            if records.contents.count - start > WireLimits.linkCount { start = max(start, Int(session.sent)) }
            let end = min(records.contents.count, start + WireLimits.linkCount)
            links = records.contents[start..<end]
            if end < records.contents.count {
                guard let step = try? ledger.record(number: UInt64(end)) else { return nil }
                target = step
            }
        }
        sessions[name]?.records?.sent = target.number
        if session.firstSent == 0 { sessions[name]?.records?.firstSent = target.number }
        return RecordHead(
            head: target.hash, signature: target.signature, number: target.number,
            round: UInt32(clamping: target.round), links: Array(links))
    }

    /// Before a task, and at the end: whoever is to work on an adapter sees the record that it came by.
    func sendHead(to name: WorkerName) {
        guard let session = sessions[name], let head = nextHead(for: name) else { return }
        send(.recordHead(head), to: session.peer)
    }

    func receive(
        _ countersign: Countersign, _ envelope: Envelope, from name: WorkerName, _ peer: Peer
    ) throws {
        guard let session = sessions[name]?.records else { return }
        guard countersign.number >= 1, countersign.number <= records.number,
            let record = try countersign.number == records.number
                ? records.last : ledger.record(number: countersign.number), record.hash == countersign.head
        else {
            return refuse(.malformed, "this run has no such record", envelope, peer)
        }
        let key: PublicKey?
        if let known = session.signingKey {
            key = known
        } else {
            key = try ledger.signingKey(of: name)
            sessions[name]?.records?.signingKey = .some(key)
        }
        // Admitted without a key to sign with: its word cannot be checked.
        guard let key else { return }
        let statement = RecordChain.countersignature(
            of: name, run: run, number: countersign.number, head: countersign.head)
        guard RecordSignature.isValid(countersign.signature, of: statement, by: key.bytes) else {
            return refuse(.malformed, "the countersignature is not by this worker's registered key", envelope, peer)
        }
        records.countersignatures.append(
            Countersignature(
                record: countersign.number, worker: name, signingKey: key.bytes, signature: countersign.signature))
        sessions[name]?.records?.held = max(session.held ?? 0, countersign.number)
        // A worker that was away for long comes nearer step by step.
        if countersign.number == session.sent { sendHead(to: name) }
    }

    /// Once a second, in one write.
    func keepCountersignatures(isDue: Bool = false) throws {
        guard isDue || records.nextKeep <= now, !records.countersignatures.isEmpty else { return }
        records.nextKeep = now.advanced(bySeconds: 1)
        try ledger.add(records.countersignatures)
        records.countersignatures = []
    }
}
