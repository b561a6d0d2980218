internal import Recipe

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

    /// A group with less than one block of tokens, or with nothing to learn in its blocks, which was skipped.
    public struct ShortGroup: Hashable, Sendable, CustomStringConvertible {
        public let worker: String?
        public let split: DataRow.Split
        public let rows: Int
        public let tokens: Int
        /// Tokens a block.
        public let length: Int

        public var description: String {
            let owner = worker.map { "worker \($0)" } ?? "the data"
            guard tokens < length else {
                return
                    "\(owner) has no completion in any block of \(length) of its \(tokens) \(split.rawValue) tokens: "
                    + "skipped; shorten the prompts or raise training.sequence-length"
            }
            return "\(owner) has \(tokens) \(split.rawValue) tokens, less than one block of \(length): skipped; "
                + "add text or lower training.sequence-length"
        }
    }

    private struct Key: Hashable {
        let worker: String?
        let split: DataRow.Split
    }

    private struct Open {
        let key: Key
        var rows = 0
        var packer: BlockPacker
    }

    /// In order of first appearance in the file.
    public let groups: [Group]
    /// What was skipped, in the same order: one warning each.
    public let skipped: [ShortGroup]
    /// Blocks dropped because they are all prompt.
    public let blocksWithoutTarget: Int
    /// The template behind the rows that are chats; `nil` if there are none.
    public let chatTemplate: ChatTemplate?
    /// Tokens a block.
    public let length: Int

    /// Packs each group's rows in file order, as ``Packing/pack(texts:encode:bos:eos:length:)`` does; a block without
    /// any target is dropped.
    ///
    /// - Parameter split: Of one split, or (`nil`) of both.
    /// - Throws: ``DataError``, also for a chat that the template cannot write.
    public init(
        _ source: DataSource, split: DataRow.Split? = nil, encoder: RowEncoder, length: Int
    ) throws(DataError) {
        try self.init(source, split: split, encoder: encoder, length: length, spill: TokenSpill())
    }

    package init(
        _ source: DataSource, split: DataRow.Split?, encoder: RowEncoder, length: Int, spill: TokenSpill
    ) throws(DataError) {
        var open: [Open] = []
        var places: [Key: Int] = [:]
        var hasChats = false
        try source.forEachRow { (located) throws(DataError) in
            let key = Key(worker: located.row.worker, split: located.row.split)
            guard split == nil || key.split == split else { return }
            let place = places[key] ?? open.count
            if place == open.count {
                open.append(Open(key: key, packer: BlockPacker(length: length)))
                places[key] = place
            }
            if located.isStart { open[place].rows += 1 }
            if case .chat = located.row.content { hasChats = true }
            try open[place].packer.append(try encoder.marked(located), spill: spill)
        }
        var groups: [Group] = []
        var skipped: [ShortGroup] = []
        var blocksWithoutTarget = 0
        for index in open.indices {
            let blocks = try open[index].packer.finish(spill: spill)
            let (key, rows) = (open[index].key, open[index].rows)
            blocksWithoutTarget += open[index].packer.blocksWithoutTarget
            if blocks.count > 0 {
                groups.append(Group(worker: key.worker, split: key.split, rows: rows, blocks: blocks))
            } else {
                let tokens = open[index].packer.tokens
                skipped.append(
                    ShortGroup(worker: key.worker, split: key.split, rows: rows, tokens: tokens, length: length))
            }
        }
        self.groups = groups
        self.skipped = skipped
        self.blocksWithoutTarget = blocksWithoutTarget
        self.length = length
        chatTemplate = hasChats ? encoder.chatTemplate : nil
    }

    /// What a person should know about how the rows were read, one line each; the skipped groups come apart.
    public var notices: [String] {
        var lines: [String] = []
        if let chatTemplate {
            lines.append("chats are written with the \(chatTemplate.name.rawValue) template: \(chatTemplate.reason)")
        }
        if blocksWithoutTarget > 0 {
            lines.append(
                "\(blocksWithoutTarget) blocks of \(length) tokens hold nothing but prompt and are left out; "
                    + "a longer training.sequence-length would keep answers beside their prompts")
        }
        return lines
    }

    /// All blocks one after the other, of one split or (`nil`) of both.
    public func joined(_ split: DataRow.Split? = nil) -> TokenBlocks {
        TokenBlocks(joining: groups.filter { split == nil || $0.split == split }.map(\.blocks), length: length)
    }
}
