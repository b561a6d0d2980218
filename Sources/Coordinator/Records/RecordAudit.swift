public import Federation
import Glibc
public import ModelFiles
import RunFile
public import Wire

/// Checks a run's round records against each other, their signatures, and what else the state directory holds.
public struct RecordAudit: Sendable {
    /// The first record that is wrong, and what is wrong with it.
    public struct Finding: Hashable, Sendable, CustomStringConvertible {
        /// `nil` when the chain as a whole is wrong.
        public var record: UInt64?
        public var round: Int?
        public var problem: String

        public var description: String {
            guard let record else { return problem }
            return "record \(record)" + (round.map { " (round \($0))" } ?? "") + ": \(problem)"
        }
    }

    public let run: RunID
    public private(set) var records = 0
    public private(set) var head: ContentHash?
    /// Signs the heads; `nil` before the run has records.
    public private(set) var publicKey: PublicKey?
    /// How many workers' signatures are good, by record.
    public private(set) var countersigned: [UInt64: Int] = [:]
    public private(set) var finding: Finding?

    private let ledger: Ledger
    private let state: String
    private let federation: FederationOptions?

    /// Reads and checks; nothing is changed.
    ///
    /// - Parameters:
    ///   - state: The state directory.
    ///   - trustedKey: What the coordinator's record key is known to be, from elsewhere.
    ///   - trustedHead: A hash that a worker remembers, which must be in the chain.
    public init(
        ledger: Ledger, state: String, trustedKey: PublicKey? = nil, trustedHead: ContentHash? = nil
    ) throws {
        guard let record = try ledger.run() else { throw LedgerError.noRun }
        run = record.id
        self.ledger = ledger
        self.state = state
        federation = (try? RunConfiguration(canonicalJSON: record.configuration))?.federation
        do throws(AuditFailure) {
            try check(record, trustedKey, trustedHead)
        } catch {
            switch error {
            case .finding(let finding): self.finding = finding
            case .other(let error): throw error
            }
        }
    }

    private enum AuditFailure: Error {
        case finding(Finding)
        case other(any Error)
    }

    private mutating func check(
        _ run: RunRecord, _ trustedKey: PublicKey?, _ trustedHead: ContentHash?
    ) throws(AuditFailure) {
        let chain = try read { try ledger.chain() }
        let records = try read { try ledger.records() }
        publicKey = chain?.publicKey
        if let trustedKey, trustedKey != publicKey {
            throw whole("the ledger names another record key than the one that is trusted")
        }
        var previous = RecordChain.origin(of: run.id)
        var rounds: [Int: UInt64] = [:]
        for (index, signed) in records.enumerated() {
            guard let chain else { throw whole("the chain's key is missing from the ledger") }
            let record = try content(of: signed, at: UInt64(index) + 1, after: previous, run)
            let statement = RecordChain.statement(
                run: run.id, number: signed.number, round: UInt32(clamping: signed.round), head: signed.hash)
            guard RecordSignature.isValid(signed.signature, of: statement, by: chain.publicKey.bytes) else {
                throw bad(signed, "the coordinator's signature is wrong")
            }
            try compareUpdates(record, signed, salt: chain.salt, run)
            if record.kind == .published {
                guard rounds.updateValue(signed.number, forKey: signed.round) == nil else {
                    throw bad(signed, "the round was published before")
                }
                try compareAdapter(record, signed)
            }
            if record.kind == .rolledBack, try read({ try ledger.nextAttempt(round: signed.round) }) <= signed.attempt {
                throw bad(signed, "the ledger does not know that this attempt was rolled back")
            }
            previous = signed.hash
            self.records += 1
            head = signed.hash
        }
        try checkCountersignatures(records)
        try checkCompleteness(rounds)
        if let trustedHead, !records.contains(where: { $0.hash == trustedHead }) {
            throw whole("no record has the hash \(trustedHead)")
        }
    }

    private func content(
        of signed: SignedRecord, at number: UInt64, after previous: ContentHash, _ run: RunRecord
    ) throws(AuditFailure) -> RoundRecord {
        guard signed.number == number else {
            throw .finding(Finding(record: number, round: nil, problem: "it is missing"))
        }
        guard ContentHash(of: Array(signed.body.utf8)) == signed.content else {
            throw bad(signed, "its text was changed: it has another hash")
        }
        guard let record = RoundRecord(canonical: Array(signed.body.utf8)) else {
            throw bad(signed, "its text is no record of this release")
        }
        guard record.previous == previous.description else {
            throw bad(signed, "it does not follow from the record before")
        }
        guard RecordChain.hash(after: previous, content: signed.content) == signed.hash else {
            throw bad(signed, "its hash is not that of its place in the chain")
        }
        guard record.run == run.id.text, record.number == number, record.round == signed.round,
            record.attempt == signed.attempt, record.baseModel == run.baseModel.description
        else { throw bad(signed, "it names another run, place, round or base model than the ledger") }
        return record
    }

    private func compareUpdates(
        _ record: RoundRecord, _ signed: SignedRecord, salt: RecordSalt, _ run: RunRecord
    ) throws(AuditFailure) {
        if try read({ try ledger.privacyTerms()?.mechanism }) == .central {
            // Who took part is nobody's to know, so a record names nobody, not even by a salted hash.
            guard record.updates.isEmpty else { throw bad(signed, "it tells how many workers took part") }
            return
        }
        let updates = try read { try ledger.countedUpdates(in: signed.round, attempt: signed.attempt) }
        let expected = updates.map { update in
            let hash = salt.hash(
                of: update.record.object, from: update.record.worker, run: run.id, round: update.askedIn,
                attempt: update.attempt)
            return RoundRecord.Update(
                hash: hash.description,
                weight: federation.map { federation in
                    let discount = federation.buffering?.discount(staleness: update.staleness) ?? 1
                    return "\(discount * federation.weightCap.weight(trainingItems: update.record.items))"
                } ?? "")
        }.sorted { $0.hash < $1.hash }
        guard expected.map(\.hash) == record.updates.map(\.hash) else {
            throw bad(signed, "the ledger's updates are not the recorded ones")
        }
        guard federation == nil || expected == record.updates else {
            throw bad(signed, "an update's weight is not the recorded one")
        }
    }

    private func compareAdapter(_ record: RoundRecord, _ signed: SignedRecord) throws(AuditFailure) {
        let adapter = try read { try ledger.publishedAdapter(version: signed.round) }
        let attempt = try read { try ledger.publishedRound(signed.round)?.attempt }
        guard let adapter, adapter.object.description == record.adapter,
            adapter.optimizerState?.description == record.optimizerState, attempt == signed.attempt
        else { throw bad(signed, "the ledger's adapter or optimiser state is not the recorded one") }
        let copy = StateDirectory.adapter(in: state, round: signed.round)
        guard DiskTable.disk(of: copy).exists(copy) else { return }
        guard let (_, layout, values) = try? AdapterDirectory.read(copy),
            ContentHash(of: AdapterObject.encode(layout: layout, values: values)).description
                == record.whole ?? record.adapter
        else { throw bad(signed, "\(copy) does not hold the adapter that was published") }
    }

    private mutating func checkCountersignatures(_ records: [SignedRecord]) throws(AuditFailure) {
        for signature in try read({ try ledger.countersignatures() }) {
            guard let index = records.firstIndex(where: { $0.number == signature.record }) else {
                throw .finding(
                    Finding(
                        record: signature.record, round: nil,
                        problem: "worker \(signature.worker) has signed it, and it is missing"))
            }
            let statement = RecordChain.countersignature(
                of: signature.worker, run: run, number: signature.record, head: records[index].hash)
            guard RecordSignature.isValid(signature.signature, of: statement, by: signature.signingKey) else {
                throw bad(records[index], "the signature of worker \(signature.worker) is wrong")
            }
            countersigned[signature.record, default: 0] += 1
        }
    }

    /// Rounds older than the first record may have none: a run of a release that kept none.
    private func checkCompleteness(_ rounds: [Int: UInt64]) throws(AuditFailure) {
        let newest = try read { try ledger.currentAdapter()?.version ?? 0 }
        guard let first = rounds.keys.min() else {
            guard newest == 0 || publicKey == nil else { throw whole("no published round has a record") }
            return
        }
        for round in first...max(first, newest) where rounds[round] == nil {
            throw whole("round \(round) was published, and its record is missing")
        }
    }

    private func bad(_ record: SignedRecord, _ problem: String) -> AuditFailure {
        .finding(Finding(record: record.number, round: record.round, problem: problem))
    }

    private func whole(_ problem: String) -> AuditFailure {
        .finding(Finding(record: nil, round: nil, problem: problem))
    }

    private func read<Value>(_ work: () throws -> Value) throws(AuditFailure) -> Value {
        do { return try work() } catch { throw .other(error) }
    }
}
