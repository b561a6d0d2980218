/// BERT's pre-tokenizer: words between white space, each mark of punctuation on its own.
struct BertPreTokenizer: PreTokenizer {
    func apply(to pieces: inout PieceList) {
        pieces.split(TraitSplitter(.space), .removed)
        pieces.split(TraitSplitter(.punctuation), .isolated)
    }
}

/// Splits at punctuation.
struct PunctuationPreTokenizer: PreTokenizer {
    let behavior: SplitBehavior

    init(_ field: JSONField) throws(TokenizerError) {
        behavior = try field.optional("behavior").map(SplitBehavior.init(_:)) ?? .isolated
    }

    func apply(to pieces: inout PieceList) {
        pieces.split(TraitSplitter(.punctuation), behavior)
    }
}

/// Words between white space.
struct WhitespaceSplitPreTokenizer: PreTokenizer {
    func apply(to pieces: inout PieceList) {
        pieces.split(TraitSplitter(.space), .removed)
    }
}

/// `\w+|[^\w\s]+`: runs of word characters and runs of others, without the white space between them.
struct WhitespacePreTokenizer: PreTokenizer {
    func apply(to pieces: inout PieceList) {
        pieces.split(WordRunSplitter(), .removed)
    }
}

/// Matches single scalars that have a trait.
struct TraitSplitter: Splitter {
    private let trait: ScalarTraits
    private let table = ScalarTraits.table

    init(_ trait: ScalarTraits) {
        self.trait = trait
    }

    func nextPart(in bytes: Span<UInt8>, at position: Int, before limit: Int) -> (end: Int, isMatch: Bool) {
        var end = position
        while end < limit {
            let next = scalar(in: bytes, at: end)
            if ScalarTraits.of(next.value, in: table).contains(trait) {
                return end == position ? (next.end, true) : (end, false)
            }
            end = next.end
        }
        return (limit, false)
    }
}

/// Parts text into runs of word characters, of white space, and of neither; white space is what matches.
private struct WordRunSplitter: Splitter {
    private let table = ScalarTraits.table

    func nextPart(in bytes: Span<UInt8>, at position: Int, before limit: Int) -> (end: Int, isMatch: Bool) {
        let first = scalar(in: bytes, at: position)
        let kind = kind(first.value)
        var end = first.end
        while end < limit {
            let next = scalar(in: bytes, at: end)
            guard self.kind(next.value) == kind else { break }
            end = next.end
        }
        return (end, kind == .space)
    }

    @inline(__always)
    private func kind(_ value: UInt32) -> ScalarTraits {
        ScalarTraits.of(value, in: table).intersection([.word, .space])
    }
}
