/// Cuts text into the pieces that the model tokenizes one by one.
protocol PreTokenizer: Sendable {
    func apply(to pieces: inout PieceList)
}

/// What a `pre_tokenizer` object amounts to: steps, and whether the model then sees bytes or Unicode scalars.
struct PreTokenization {
    var steps: [any PreTokenizer] = []
    /// After `ByteLevel` every byte is a symbol of its own, written in the vocabulary as a printable character.
    var isByteLevel = false
    /// Whether a `Metaspace` marks only the piece that starts the input.
    private(set) var marksStartOnly = false

    func apply(to pieces: inout PieceList) {
        for step in steps { step.apply(to: &pieces) }
    }
}

extension PreTokenization {
    /// Reads a `pre_tokenizer` object of `tokenizer.json`. A new kind is a file beside this one and a line here.
    init(_ field: JSONField) throws(TokenizerError) {
        try append(field)
    }

    private mutating func append(_ field: JSONField) throws(TokenizerError) {
        // What follows would see the printable characters; these steps work on the bytes they stand for.
        guard !isByteLevel else {
            throw field.unsupported("a pre-tokenizer after ByteLevel", supported: "ByteLevel as the last one")
        }
        switch try field.required("type").text() {
        case "Sequence":
            for element in try field.required("pretokenizers").elements() { try append(element) }
        case "ByteLevel":
            steps.append(try ByteLevelPreTokenizer(field))
            isByteLevel = true
        case "Split":
            steps.append(try SplitPreTokenizer(field))
        case "Digits":
            let individually = try field.flag("individual_digits", default: false)
            steps.append(DigitsPreTokenizer(individually: individually))
        case "Metaspace":
            let scheme = try MetaspaceScheme(field)
            if scheme.prefix == .first { marksStartOnly = true }
            steps.append(MetaspacePreTokenizer(scheme: scheme))
        case "BertPreTokenizer":
            steps.append(BertPreTokenizer())
        case "Whitespace":
            steps.append(WhitespacePreTokenizer())
        case "WhitespaceSplit":
            steps.append(WhitespaceSplitPreTokenizer())
        case "Punctuation":
            steps.append(try PunctuationPreTokenizer(field))
        case let other:
            throw field.unsupported(
                other,
                supported: "Sequence, ByteLevel, Split, Digits, Metaspace, BertPreTokenizer, Whitespace, "
                    + "WhitespaceSplit, Punctuation")
        }
    }
}
