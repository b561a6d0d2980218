/// How `Metaspace` writes spaces; the pre-tokenizer and the decoder share it.
struct MetaspaceScheme {
    enum Prefix: String {
        case first, never, always
    }

    /// The one scalar that stands for a space, as UTF-8.
    let replacement: [UInt8]
    /// Where a replacement is put before the text.
    let prefix: Prefix
    /// Whether the text is cut before every replacement.
    let splits: Bool

    init(_ field: JSONField) throws(TokenizerError) {
        replacement = try field.required("replacement").scalarBytes()
        splits = try field.flag("split", default: true)
        var prefix = Prefix.always
        if let scheme = try field.optional("prepend_scheme") {
            guard let known = Prefix(rawValue: try scheme.text()) else {
                throw scheme.unsupported(quoted(try scheme.bytes()), supported: "first, never, always")
            }
            prefix = known
        }
        self.prefix = prefix
        // The older way of saying it.
        if try !field.flag("add_prefix_space", default: true) && prefix != .never {
            throw field.invalid("says add_prefix_space false and prepend_scheme \(prefix.rawValue)")
        }
    }
}

/// SentencePiece's pre-tokenizer: spaces become a visible character that starts the word after it.
struct MetaspacePreTokenizer: PreTokenizer {
    let scheme: MetaspaceScheme

    func apply(to pieces: inout PieceList) {
        let text = pieces.bytes
        let startsInput = pieces.startsInput
        let replacement = scheme.replacement
        pieces.rewrite { piece, result in
            let startsWithMark =
                text[piece.lowerBound] == UInt8(ascii: " ")
                || matches(replacement.span, in: text.span, at: piece.lowerBound, before: piece.upperBound)
            let marks =
                switch scheme.prefix {
                case .always: true
                case .never: false
                case .first: startsInput && piece.lowerBound == 0
                }
            if marks && !startsWithMark { result.append(contentsOf: replacement) }
            for byte in text[piece] {
                if byte == UInt8(ascii: " ") {
                    result.append(contentsOf: replacement)
                } else {
                    result.append(byte)
                }
            }
        }
        if scheme.splits { pieces.split(LiteralSplitter(literal: replacement), .mergedWithNext) }
    }
}
