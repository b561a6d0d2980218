/// Turns the pieces of a text into token ids.
protocol SubwordModel: Sendable {
    var vocabulary: Vocabulary { get }

    /// Appends the tokens of every piece to `tokens`. `scratch` keeps memory and known words between calls.
    func encode(_ pieces: PieceList, into tokens: inout [Int32], scratch: inout EncodingScratch)
}

/// Reads the `model` object of `tokenizer.json`. A new kind is a file beside this one and a line here.
func makeSubwordModel(_ field: JSONField, isByteLevel: Bool) throws(TokenizerError) -> any SubwordModel {
    let type = try modelType(field)
    // The pieces then hold bytes where the library's hold the characters that write them.
    guard !isByteLevel || type == "BPE" else {
        throw field.unsupported("\(type) after the pre-tokenizer ByteLevel", supported: "BPE there")
    }
    switch type {
    case "BPE": return try BytePairModel(field, isByteLevel: isByteLevel)
    case "WordPiece": return try WordPieceModel(field)
    case "Unigram": return try UnigramModel(field)
    case let other: throw field.unsupported(other, supported: "BPE, WordPiece, Unigram")
    }
}

/// The type of a model, which old files leave out.
private func modelType(_ field: JSONField) throws(TokenizerError) -> String {
    if let type = try field.optional("type") { return try type.text() }
    if try field.optional("merges") != nil { return "BPE" }
    if try field.optional("max_input_chars_per_word") != nil { return "WordPiece" }
    return try field.optional("unk_id") != nil ? "Unigram" : "without a type"
}

/// What encoding keeps between calls; it never changes the result.
struct EncodingScratch {
    var words = WordCache()
    var merger = BytePairMerger()
    var paths = SegmentationPaths()
}
