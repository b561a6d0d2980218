/// Worker to coordinator, last step: one kind of share of each neighbour that shared its secrets. Never both: they
/// would uncover the neighbour's vector.
public struct RevealedShares: Hashable, Sendable {
    /// Ascending by position.
    package let entries: [Entry]

    package enum Kind: UInt8, Sendable {
        /// Of a survivor's self seed: takes its own mask off.
        case selfSeed = 0
        /// Of a dropped worker's mask key: takes the masks off that its neighbours shared with it.
        case maskKey = 1
    }

    package struct Entry: Hashable, Sendable {
        package let position: Int
        package let kind: Kind
        package let share: SecretShare

        package init(position: Int, kind: Kind, share: SecretShare) {
            self.position = position
            self.kind = kind
            self.share = share
        }
    }

    package init(entries: [Entry]) { self.entries = entries }

    public var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.append(UInt32(entries.count))
        for entry in entries {
            writer.append(UInt32(entry.position))
            writer.append(entry.kind.rawValue)
            writer.append(fixed: entry.share.bytes)
        }
        return writer.bytes
    }

    public init(_ bytes: [UInt8]) throws(MaskingError) {
        var reader = ByteReader(bytes, message: "revealed shares")
        var entries: [Entry] = []
        for _ in try 0..<reader.count(entryBytes: 5 + SecretShare.byteCount) {
            let position = Int(try reader.number(UInt32.self))
            guard let kind = Kind(rawValue: try reader.number(UInt8.self)) else {
                throw .malformed("revealed shares hold a kind of share that does not exist")
            }
            entries.append(
                Entry(
                    position: position, kind: kind,
                    share: try SecretShare(try reader.fixed(SecretShare.byteCount))))
        }
        self.entries = entries
        try reader.finish()
    }
}
