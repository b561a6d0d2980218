public import Federation
public import ModelFiles

/// A place in the chain of a run's round records.
public struct KnownRecord: Hashable, Sendable {
    public var run: RunID
    /// 1 is the run's first record.
    public var number: UInt64
    public var head: ContentHash

    public init(run: RunID, number: UInt64, head: ContentHash) {
        self.run = run
        self.number = number
        self.head = head
    }
}

/// c→w: the record chain's head, signed by the coordinator.
public struct RecordHead: Hashable, Sendable {
    public var head: ContentHash
    /// Ed25519, 64 bytes.
    public var signature: [UInt8]
    /// 1 is the run's first record.
    public var number: UInt64
    /// The round that the record is of.
    public var round: UInt32
    /// Content hashes of the records up to this one, oldest first; see `RecordChain`.
    public var links: [ContentHash]

    public init(
        head: ContentHash, signature: [UInt8], number: UInt64 = 0, round: UInt32 = 0, links: [ContentHash] = []
    ) {
        self.head = head
        self.signature = signature
        self.number = number
        self.round = round
        self.links = links
    }
}

/// w→c: the same head, signed by the worker.
public struct Countersign: Hashable, Sendable {
    public var head: ContentHash
    /// Ed25519, 64 bytes.
    public var signature: [UInt8]
    public var number: UInt64

    public init(head: ContentHash, signature: [UInt8], number: UInt64 = 0) {
        self.head = head
        self.signature = signature
        self.number = number
    }
}
