/// BERT's pre-tokenizer: words between white space, each mark of punctuation on its own.
struct BertPreTokenizer: PreTokenizer {
    func apply(to pieces: inout PieceList) {
        pieces.split(TraitSplitter(.space), .removed)
        pieces.split(TraitSplitter(.punctuation), .isolated)
    }
}
