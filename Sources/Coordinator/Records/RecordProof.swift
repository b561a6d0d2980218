import FoundationEssentials
public import ModelFiles
public import Wire

/// What shows that a published round stands in its run's chain of records.
public struct RecordProof: Hashable, Sendable {
    /// The record's place; 1 is the run's first.
    public var number: UInt64
    /// The record's hash, which stands for all records before it as well.
    public var head: ContentHash
    /// The coordinator's key that signed it.
    public var publicKey: PublicKey
    /// The adapter of the global model that the record names: of `adapters/NNNN`, as an ``AdapterObject``.
    public var adapter: ContentHash

    /// - Returns: `nil` where the ledger has no record of the round, as of round 0.
    public init?(ledger: Ledger, round: Int) throws {
        guard let attempt = try ledger.publishedRound(round)?.attempt, let chain = try ledger.chain(),
            let signed = try ledger.records().last(where: { $0.round == round && $0.attempt == attempt }),
            let record = RoundRecord(canonical: Array(signed.body.utf8)), record.kind == .published,
            let adapter = ContentHash(record.whole ?? record.adapter)
        else { return nil }
        number = signed.number
        head = signed.hash
        publicKey = chain.publicKey
        self.adapter = adapter
    }
}
