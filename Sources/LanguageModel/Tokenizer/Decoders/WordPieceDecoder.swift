/// Joins WordPiece tokens into words and, if asked, takes out the spaces that splitting put around punctuation.
struct WordPieceDecoder: TokenDecoder {
    private let prefix: [UInt8]
    private let cleans: Bool

    /// What the cleaning replaces in each token, in this order.
    private static let replacements: [ReplaceNormalizer] = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
        (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ].map { ReplaceNormalizer(pattern: Array($0.0.utf8), content: Array($0.1.utf8)) }

    init(_ field: JSONField) throws(TokenizerError) {
        prefix = try field.required("prefix").bytes()
        cleans = try field.required("cleanup").boolean()
    }

    func decode(_ texts: [[UInt8]]) -> [[UInt8]] {
        texts.enumerated().map { index, text in
            var result = text
            if index > 0 {
                if text.starts(with: prefix) {
                    result.removeFirst(prefix.count)
                } else {
                    result.insert(UInt8(ascii: " "), at: 0)
                }
            }
            // All that is replaced begins with a space.
            if cleans && result.contains(UInt8(ascii: " ")) {
                for replacement in Self.replacements { replacement.normalize(&result) }
            }
            return result
        }
    }
}
