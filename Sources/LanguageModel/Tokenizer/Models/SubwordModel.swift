/// Turns the pieces of a text into token ids.
protocol SubwordModel: Sendable {
    var vocabulary: Vocabulary { get }

    /// Appends the tokens of every piece to `tokens`. `scratch` keeps memory and known words between calls.
    func encode(_ pieces: PieceList, into tokens: inout [Int32], scratch: inout EncodingScratch)
}

/// Reads the `model` object of `tokenizer.json`. A new kind is a file beside this one and a line here.
func makeSubwordModel(_ field: JSONField, isByteLevel: Bool) throws(TokenizerError) -> any SubwordModel {
    // Old files leave the type out.
    let hasMerges = try field.optional("merges") != nil
    switch try field.optional("type")?.text() ?? (hasMerges ? "BPE" : "without a type") {
    case "BPE": return try BytePairModel(field, isByteLevel: isByteLevel)
    case "WordPiece": return try WordPieceModel(field)
    case "Unigram": return try UnigramModel(field)
    case let other: throw field.unsupported(other, supported: "BPE, WordPiece, Unigram")
    }
}

/// What encoding keeps between calls; it never changes the result.
struct EncodingScratch {
    var words = WordCache()
    var merger = BytePairMerger()
    var paths = SegmentationPaths()
}
