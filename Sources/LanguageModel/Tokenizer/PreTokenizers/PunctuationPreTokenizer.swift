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
