public import ModelFiles

/// How round records hang together, and what is signed: both sides of the wire compute the same bytes.
///
/// A record's hash covers the hash of the one before and the SHA-256 of its own content. So a worker that holds any
/// earlier hash can check a later one from the content hashes between them, without the records themselves.
public enum RecordChain {
    /// Stands before a run's first record.
    public static func origin(of run: RunID) -> ContentHash {
        ContentHash(of: Array("shoal record chain 1\n\(run)\n".utf8))
    }

    /// The hash of the record whose content has the SHA-256 `content`, after `previous`.
    public static func hash(after previous: ContentHash, content: ContentHash) -> ContentHash {
        ContentHash(of: Array("shoal round record 1\n\(previous)\n\(content)\n".utf8))
    }

    /// Goes on from `start` through the records with these content hashes.
    public static func head(from start: ContentHash, through contents: some Sequence<ContentHash>) -> ContentHash {
        contents.reduce(start) { hash(after: $0, content: $1) }
    }

    /// What the coordinator signs.
    public static func statement(run: RunID, number: UInt64, round: UInt32, head: ContentHash) -> [UInt8] {
        Array("shoal record head 1\n\(run)\n\(number)\n\(round)\n\(head)\n".utf8)
    }

    /// What a worker signs: that it has seen this record.
    public static func countersignature(
        of worker: WorkerName, run: RunID, number: UInt64, head: ContentHash
    ) -> [UInt8] {
        Array("shoal record seen 1\n\(run)\n\(number)\n\(head)\n\(worker)\n".utf8)
    }
}
