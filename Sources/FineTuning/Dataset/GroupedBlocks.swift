/// A data file's blocks, packed separately for each worker and split.
public struct GroupedBlocks: Sendable {
    public struct Group: Hashable, Sendable {
        /// `nil` for rows that name no worker.
        public let worker: String?
        public let split: DataRow.Split
        public let rows: Int
        /// At least one block.
        public let blocks: TokenBlocks
    }

    /// A group with less than one block of tokens, which was skipped.
    public struct ShortGroup: Hashable, Sendable, CustomStringConvertible {
        public let worker: String?
        public let split: DataRow.Split
        public let rows: Int
        public let tokens: Int
        /// Tokens a block.
        public let length: Int

        public var description: String {
            let owner = worker.map { "worker \($0)" } ?? "the data"
            return "\(owner) has \(tokens) \(split.rawValue) tokens, less than one block of \(length): skipped; "
                + "add text or lower training.sequence-length"
        }
    }

    private struct Key: Hashable {
        let worker: String?
        let split: DataRow.Split
    }

    /// In order of first appearance in the file.
    public let groups: [Group]
    /// What was skipped, in the same order: one warning each.
    public let skipped: [ShortGroup]
    /// Tokens a block.
    public let length: Int

    /// Packs each group's texts in file order, as ``Packing/pack(texts:encode:bos:eos:length:)`` does.
    public init<Failure>(
        _ rows: [DataRow], encode: (String) throws(Failure) -> [Int32], bos: Int32?, eos: Int32?, length: Int
    ) throws(Failure) {
        var order: [Key] = []
        var texts: [Key: [String]] = [:]
        for row in rows {
            let key = Key(worker: row.worker, split: row.split)
            if texts[key] == nil { order.append(key) }
            texts[key, default: []].append(row.text)
        }
        var groups: [Group] = []
        var skipped: [ShortGroup] = []
        for key in order {
            let texts = texts[key] ?? []
            let tokens = try Packing.join(texts, encode: encode, bos: bos, eos: eos)
            let kept = tokens.count / length * length
            if kept > 0 {
                let blocks = TokenBlocks(tokens: Array(tokens.prefix(kept)), length: length)
                groups.append(Group(worker: key.worker, split: key.split, rows: texts.count, blocks: blocks))
            } else {
                skipped.append(
                    ShortGroup(
                        worker: key.worker, split: key.split, rows: texts.count, tokens: tokens.count, length: length))
            }
        }
        self.groups = groups
        self.skipped = skipped
        self.length = length
    }

    /// All blocks one after the other, of one split or (`nil`) of both.
    public func joined(_ split: DataRow.Split? = nil) -> TokenBlocks {
        let chosen = groups.filter { split == nil || $0.split == split }
        return TokenBlocks(tokens: chosen.flatMap(\.blocks.tokens), length: length)
    }
}
