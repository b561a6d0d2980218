public import LanguageModel

/// Blocks of tokens of one length, with the tokens among them that are only context.
///
/// Four bytes a token: a token that is no target is kept as its complement, which is negative. Large sets lie in a
/// temporary file, of which only the blocks asked for come into memory.
public struct TokenBlocks: Sendable {
    /// Tokens in a block.
    public let length: Int
    /// Blocks.
    public let count: Int
    private let chunks: [TokenChunk]
    /// Number of each chunk's first block.
    private let firstBlocks: [Int]

    /// - Parameter labels: As ``TokenBatch/labels``; `nil` makes every token a target.
    /// - Precondition: `length >= 2` (a block of one token has nothing to predict), `tokens` divides into blocks.
    public init(tokens: [Int32], labels: [Int32]? = nil, length: Int) {
        precondition(labels?.count ?? tokens.count == tokens.count, "a label for each token")
        let marked = labels.map { zip(tokens, $0).map { $1 == TokenBatch.ignoredLabel ? ~$0 : $0 } }
        self.init(chunks: tokens.isEmpty ? [] : [TokenChunk(memory: marked ?? tokens)], length: length)
    }

    /// - Parameter chunks: Each a whole number of blocks, tokens marked as above.
    init(chunks: [TokenChunk], length: Int) {
        precondition(length >= 2, "blocks of \(length)")
        self.chunks = chunks
        self.length = length
        var count = 0
        firstBlocks = chunks.map { chunk in
            precondition(chunk.count.isMultiple(of: length), "\(chunk.count) tokens by \(length)")
            defer { count += chunk.count / length }
            return count
        }
        self.count = count
    }

    /// All blocks of several sets, one set after the other.
    init(joining sets: [TokenBlocks], length: Int) {
        self.init(chunks: sets.flatMap(\.chunks), length: length)
    }

    /// Appends one block as it is kept, targets positive and others complemented.
    private func appendMarked(_ block: Int, to tokens: inout [Int32]) {
        precondition(block >= 0 && block < count, "block \(block) of \(count)")
        // The last chunk that begins at or before the block.
        var low = 0
        var high = chunks.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if firstBlocks[middle] <= block { low = middle } else { high = middle }
        }
        let start = (block - firstBlocks[low]) * length
        chunks[low].append(start..<(start + length), to: &tokens)
    }

    /// One block's tokens, `[length]`.
    public subscript(block: Int) -> [Int32] {
        var marked: [Int32] = []
        appendMarked(block, to: &marked)
        return marked.map { $0 < 0 ? ~$0 : $0 }
    }

    /// The blocks of those numbers, in that order; a number may stand more than once.
    public func batch(_ blocks: some Collection<Int>) -> TokenBatch {
        var marked: [Int32] = []
        marked.reserveCapacity(blocks.count * length)
        for block in blocks { appendMarked(block, to: &marked) }
        guard marked.contains(where: { $0 < 0 }) else {
            return TokenBatch(tokens: marked, blocks: blocks.count, length: length)
        }
        return TokenBatch(
            tokens: marked.map { $0 < 0 ? ~$0 : $0 }, labels: marked.map { $0 < 0 ? TokenBatch.ignoredLabel : $0 },
            blocks: blocks.count, length: length)
    }

    /// All tokens, `[count, length]` row-major: for small sets.
    public var tokens: [Int32] { batch(0..<count).tokens }
    /// All labels, `[count, length]` row-major: for small sets.
    public var labels: [Int32] { batch(0..<count).labels }

    /// What the tokens take in memory.
    package var memoryBytes: Int { chunks.reduce(0) { $0 + $1.memoryBytes } }
}

extension TokenBlocks: Hashable {
    public static func == (first: TokenBlocks, second: TokenBlocks) -> Bool {
        guard first.length == second.length, first.count == second.count else { return false }
        return (0..<first.count).allSatisfy { block in
            let (one, other) = (first.batch([block]), second.batch([block]))
            return one.tokens == other.tokens && one.labels == other.labels
        }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(length)
        hasher.combine(count)
    }
}
