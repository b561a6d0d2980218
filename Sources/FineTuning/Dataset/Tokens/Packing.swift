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
        var tokens: [Int32] = []
        for text in texts {
            if let bos { tokens.append(bos) }
            tokens += try encode(text)
            if let eos { tokens.append(eos) }
        }
        return TokenBlocks(tokens: Array(tokens.prefix(tokens.count / length * length)), length: length)
    }
}
