/// GPT-2's pre-tokenizer: words by its pattern, each with the space before it; symbols are bytes.
struct ByteLevelPreTokenizer: PreTokenizer {
    let addsPrefixSpace: Bool
    let usesPattern: Bool

    init(_ field: JSONField) throws(TokenizerError) {
        addsPrefixSpace = try field.required("add_prefix_space").boolean()
        usesPattern = try field.flag("use_regex", default: true)
    }

    func apply(to pieces: inout PieceList) {
        if addsPrefixSpace {
            let text = pieces.bytes
            pieces.rewrite { piece, result in
                if text[piece.lowerBound] != UInt8(ascii: " ") { result.append(UInt8(ascii: " ")) }
                result.append(contentsOf: text[piece])
            }
        }
        if usesPattern { pieces.split(GPT2Pattern(), .isolated) }
    }
}
