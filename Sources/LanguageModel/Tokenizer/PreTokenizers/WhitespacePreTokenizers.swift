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
