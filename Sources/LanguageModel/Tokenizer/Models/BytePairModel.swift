/// Byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909), over bytes as in GPT-2 or over Unicode scalars with byte
/// fallback as in SentencePiece.
struct BytePairModel: SubwordModel {
    let vocabulary: Vocabulary
    private let symbols: SymbolTable
    private let merges: MergeTable
    private let isByteLevel: Bool
    /// Whether a piece that is a token as a whole becomes that token, whatever the merges say.
    private let ignoresMerges: Bool
    /// Whether a piece may be cut before every "▁" that follows another character; see `mergesStayInWords`.
    private let cutsAtSpaces: Bool

    /// "▁" (U+2581), SentencePiece's visible space, as UTF-8.
    private static let space: [UInt8] = [0xE2, 0x96, 0x81]

    init(_ field: JSONField, isByteLevel: Bool) throws(TokenizerError) {
        for name in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if let affix = try field.optional(name), try !affix.bytes().isEmpty {
                throw affix.unsupported(quoted(try affix.bytes()), supported: "null")
            }
        }
        if let dropout = try field.optional("dropout") {
            switch dropout.value {
            case .integer(0), .real(0): break
            case .integer, .real: throw dropout.unsupported("merge dropout", supported: "null")
            default: throw dropout.invalid("is \(dropout.value.kind) where a number belongs")
            }
        }
        self.isByteLevel = isByteLevel
        vocabulary = try Vocabulary(try field.required("vocab"))
        symbols = try SymbolTable(field, vocabulary: vocabulary, isByteLevel: isByteLevel)
        ignoresMerges = try field.flag("ignore_merges", default: false)
        let list = try MergeList(try field.required("merges"))
        merges = try list.table(vocabulary)
        let unknown = try field.optional("unk_token")?.bytes() ?? []
        cutsAtSpaces =
            !isByteLevel && !ignoresMerges && symbols.hasScalar(0x2581) && unknown.suffix(3) != Self.space[...]
            && Self.mergesStayInWords(list)
    }

    /// Whether no merge joins a character with a "▁" after it. Then no token crosses that point in any text, so words
    /// can be merged one by one and remembered, although the model sees the whole text as one piece.
    private static func mergesStayInWords(_ list: MergeList) -> Bool {
        list.entries.allSatisfy { entry in
            let text = entry.joined
            let bytes = text.span
            var position = 1
            while position < bytes.count {
                if startsWord(bytes, at: position, after: 0) { return false }
                position += 1
            }
            return true
        }
    }

    /// Whether a "▁" stands at `position` and something other than "▁" before it.
    @inline(__always)
    private static func startsWord(_ bytes: Span<UInt8>, at position: Int, after start: Int) -> Bool {
        guard bytes[position] == 0xE2, matches(space.span, in: bytes, at: position, before: bytes.count) else {
            return false
        }
        return position - start < 3 || !matches(space.span, in: bytes, at: position - 3, before: position)
    }

    func encode(_ pieces: PieceList, into tokens: inout [Int32], scratch: inout EncodingScratch) {
        let bytes = pieces.bytes.span
        for piece in pieces.ranges {
            guard cutsAtSpaces else {
                encode(piece, of: bytes, into: &tokens, &scratch)
                continue
            }
            var start = piece.lowerBound
            var position = start + 1
            while position < piece.upperBound {
                if Self.startsWord(bytes, at: position, after: start) {
                    encode(start..<position, of: bytes, into: &tokens, &scratch)
                    start = position
                }
                position += 1
            }
            encode(start..<piece.upperBound, of: bytes, into: &tokens, &scratch)
        }
    }

    private func encode(
        _ word: Range<Int>, of bytes: Span<UInt8>, into tokens: inout [Int32], _ scratch: inout EncodingScratch
    ) {
        guard word.count <= WordCache.longestWord else {
            encodeUncached(word, of: bytes, into: &tokens, &scratch)
            return
        }
        let hash = WordCache.hash(word, of: bytes)
        if scratch.words.append(word, of: bytes, hash: hash, to: &tokens) { return }
        let start = tokens.count
        encodeUncached(word, of: bytes, into: &tokens, &scratch)
        scratch.words.insert(word, of: bytes, hash: hash, tokens: tokens[start...])
    }

    private func encodeUncached(
        _ word: Range<Int>, of bytes: Span<UInt8>, into tokens: inout [Int32], _ scratch: inout EncodingScratch
    ) {
        if ignoresMerges {
            let text = word.map { bytes[$0] }
            if let whole = vocabulary.id(of: isByteLevel ? ByteLevelAlphabet.encode(text) : text) {
                tokens.append(whole)
                return
            }
        }
        scratch.merger.symbols.removeAll(keepingCapacity: true)
        symbols.append(word, of: bytes, to: &scratch.merger.symbols)
        scratch.merger.merge(by: merges)
        tokens.append(contentsOf: scratch.merger.symbols)
    }
}
