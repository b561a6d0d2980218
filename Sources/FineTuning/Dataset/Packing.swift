public import LanguageModel

/// Blocks of tokens of one length, row-major `[count, length]`.
public struct TokenBlocks: Hashable, Sendable {
    public let tokens: [Int32]
    /// Tokens in a block.
    public let length: Int

    /// Blocks.
    public var count: Int { tokens.count / length }

    /// - Precondition: `length >= 2` (a block of one token has nothing to predict), `tokens` divides into blocks.
    public init(tokens: [Int32], length: Int) {
        precondition(length >= 2 && tokens.count.isMultiple(of: length), "\(tokens.count) tokens by \(length)")
        self.tokens = tokens
        self.length = length
    }

    /// One block's tokens, `[length]`.
    public subscript(block: Int) -> ArraySlice<Int32> {
        tokens[block * length..<(block + 1) * length]
    }

    /// The blocks of those numbers, in that order; a number may stand more than once.
    public func batch(_ blocks: some Collection<Int>) -> TokenBatch {
        TokenBatch(tokens: blocks.flatMap { self[$0] }, blocks: blocks.count, length: length)
    }
}

/// Causal packing, so that losses compare with other tools.
public enum Packing {
    /// Joins texts in order, each as BOS + tokens + EOS, and cuts them into blocks; the remainder is dropped.
    ///
    /// - Parameters:
    ///   - encode: A text's tokens; must add no special tokens itself.
    ///   - bos: Left out if `nil`.
    ///   - eos: Left out if `nil`.
    ///   - length: Unit: tokens a block; at least 2.
    public static func pack<Failure>(
        texts: some Sequence<String>, encode: (String) throws(Failure) -> [Int32], bos: Int32?, eos: Int32?,
        length: Int
    ) throws(Failure) -> TokenBlocks {
        let tokens = try join(texts, encode: encode, bos: bos, eos: eos)
        return TokenBlocks(tokens: Array(tokens.prefix(tokens.count / length * length)), length: length)
    }

    static func join<Failure>(
        _ texts: some Sequence<String>, encode: (String) throws(Failure) -> [Int32], bos: Int32?, eos: Int32?
    ) throws(Failure) -> [Int32] {
        var tokens: [Int32] = []
        for text in texts {
            if let bos { tokens.append(bos) }
            tokens += try encode(text)
            if let eos { tokens.append(eos) }
        }
        return tokens
    }
}
