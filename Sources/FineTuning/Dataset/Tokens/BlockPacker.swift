/// Cuts a stream of tokens into blocks and keeps those that teach something.
struct BlockPacker {
    /// Unit: tokens.
    static let chunkTokens = 1 << 16

    private let length: Int
    /// The tokens of the block that is being filled, marked as in ``TokenBlocks``.
    private var block: [Int32] = []
    /// Whole blocks on their way to the spill.
    private var pending: [Int32] = []
    private var chunks: [TokenChunk] = []
    /// Tokens given so far.
    private(set) var tokens = 0
    /// Blocks that were dropped because none of their tokens is a target.
    private(set) var blocksWithoutTarget = 0

    init(length: Int) {
        precondition(length >= 2, "blocks of \(length)")
        self.length = length
    }

    mutating func append(_ marked: [Int32], spill: TokenSpill) throws(DataError) {
        tokens += marked.count
        var rest = marked[...]
        while !rest.isEmpty {
            let part = rest.prefix(length - block.count)
            block += part
            rest = rest.dropFirst(part.count)
            if block.count == length { try closeBlock(spill) }
        }
    }

    private mutating func closeBlock(_ spill: TokenSpill) throws(DataError) {
        defer { block.removeAll(keepingCapacity: true) }
        // The first token has no predecessor in the block, so it is never predicted.
        guard block.dropFirst().contains(where: { $0 >= 0 }) else {
            blocksWithoutTarget += 1
            return
        }
        pending += block
        if pending.count >= Self.chunkTokens {
            chunks.append(try spill.keep(pending))
            pending = []
        }
    }

    /// All whole blocks; the remainder is dropped.
    mutating func finish(spill: TokenSpill) throws(DataError) -> TokenBlocks {
        if !pending.isEmpty { chunks.append(try spill.keep(pending)) }
        pending = []
        return TokenBlocks(chunks: chunks, length: length)
    }
}
