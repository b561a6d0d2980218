public import Federation
import FoundationEssentials
public import ModelFiles

/// What is kept for good of one attempt at a round, in a form that others may see: no update's own hash, no name.
public struct RoundRecord: Hashable, Codable, Sendable {
    public enum Kind: String, Hashable, Codable, Sendable {
        case published
        /// The quality gate turned the attempt back.
        case rolledBack = "rolled-back"
    }

    public struct Update: Hashable, Codable, Sendable {
        /// ``RecordSalt/hash(of:from:run:round:attempt:)``, hexadecimal.
        public var hash: String
        /// What the update counted for, in shortest decimal form. Unit: blocks or examples.
        public var weight: String
    }

    public var version = 1
    public var run: String
    /// 1 is the run's first record.
    public var number: UInt64
    public var kind: Kind
    public var round: Int
    public var attempt: Int
    /// Hash of the record before, or of the chain's origin; hexadecimal, as all hashes here.
    public var previous: String
    /// SHA-256 of the run's canonical configuration at that time.
    public var configuration: String
    public var baseModel: String
    /// The adapter object that the attempt gave.
    public var adapter: String
    /// The published adapter of the global model, where that is more than the adapter object: with a residual, or with
    /// fixed factors around it.
    public var whole: String?
    /// The server optimiser's state after it; absent for a strategy without one.
    public var optimizerState: String?
    /// In ascending order of their hashes, which says nothing about names.
    public var updates: [Update]

    /// Canonical JSON: one line, members in ascending order of their names.
    var canonical: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let text = try? encoder.encode(self) else { preconditionFailure("a record of plain values") }
        return Array(text)
    }

    /// Reads ``canonical`` back; `nil` for any other bytes, however alike.
    init?(canonical bytes: [UInt8]) {
        guard let record = try? JSONDecoder().decode(RoundRecord.self, from: Data(bytes)), record.version == 1,
            record.canonical == bytes
        else { return nil }
        self = record
    }

    init(
        run: RunID, number: UInt64, kind: Kind, round: Int, attempt: Int, previous: ContentHash,
        configuration: ContentHash, baseModel: ContentHash, adapter: ContentHash, whole: ContentHash?,
        optimizerState: ContentHash?, updates: [Update]
    ) {
        self.run = run.text
        self.number = number
        self.kind = kind
        self.round = round
        self.attempt = attempt
        self.previous = previous.description
        self.configuration = configuration.description
        self.baseModel = baseModel.description
        self.adapter = adapter.description
        self.whole = whole?.description
        self.optimizerState = optimizerState?.description
        self.updates = updates.sorted { $0.hash < $1.hash }
    }
}

/// A record with its place in the chain and the coordinator's signature: what the ledger keeps.
public struct SignedRecord: Hashable, Sendable {
    public var number: UInt64
    public var round: Int
    public var attempt: Int
    /// The record's canonical bytes, UTF-8.
    public var body: String
    /// SHA-256 of `body`.
    public var content: ContentHash
    /// ``RecordChain/hash(after:content:)``.
    public var hash: ContentHash
    /// Ed25519 over ``RecordChain/statement(run:number:round:head:)``, 64 bytes.
    public var signature: [UInt8]

    public init(
        number: UInt64, round: Int, attempt: Int, body: String, content: ContentHash, hash: ContentHash,
        signature: [UInt8]
    ) {
        self.number = number
        self.round = round
        self.attempt = attempt
        self.body = body
        self.content = content
        self.hash = hash
        self.signature = signature
    }
}

/// A worker's signature under a record's hash.
public struct Countersignature: Hashable, Sendable {
    public var record: UInt64
    public var worker: WorkerName
    /// The worker's Ed25519 key when it signed; keys may be replaced later.
    public var signingKey: [UInt8]
    public var signature: [UInt8]
}
