/// All added tokens of a tokenizer: their ids, and the matchers that find them in raw and in normalized text.
struct AddedVocabulary {
    private var tokensByID: [Int32: AddedToken] = [:]
    private var idsByContent: [TokenText: Int32] = [:]
    private var specialContents: Set<TokenText> = []
    /// For tokens looked for in the text as given.
    private(set) var raw = TokenMatcher()
    /// For tokens looked for after normalization.
    private(set) var normalized = TokenMatcher()

    /// Reads `added_tokens`. A token takes its id from the vocabulary, or else the next free one; the id in the file must
    /// agree, because `tokenizers` goes by its own count and the model was trained with that.
    init(_ field: JSONField?, vocabulary: Vocabulary, normalizer: (any Normalizer)?) throws(TokenizerError) {
        guard let field else { return }
        var tokens: [AddedToken] = []
        var free = vocabulary.count
        for element in try field.elements() {
            let token = try AddedToken(element)
            guard !token.content.isEmpty else { continue }
            let key = TokenText(token.content)
            guard idsByContent.updateValue(token.id, forKey: key) == nil else {
                throw element.invalid("lists \(quoted(token.content)) a second time")
            }
            let expected = vocabulary.id(of: token.content).map(Int.init) ?? free
            guard expected == Int(token.id) else {
                throw element.invalid(
                    "gives \(quoted(token.content)) id \(token.id), but by the vocabulary and the tokens before it"
                        + " it is \(expected)")
            }
            free = max(free, expected + 1)
            tokensByID[token.id] = token
            if token.isSpecial { specialContents.insert(key) }
            tokens.append(token)
        }
        // Two tokens may have the same normalized text: special ones win.
        for token in tokens.filter(\.isSpecial) + tokens.filter({ !$0.isSpecial }) {
            guard token.isNormalized else {
                raw.add(token, pattern: token.content)
                continue
            }
            var pattern = token.content
            normalizer?.normalize(&pattern)
            normalized.add(token, pattern: pattern)
        }
    }

    func id(of content: [UInt8]) -> Int32? { idsByContent[TokenText(content)] }

    func content(of id: Int32) -> [UInt8]? { tokensByID[id]?.content }

    func isSpecial(_ content: [UInt8]) -> Bool { specialContents.contains(TokenText(content)) }

    var contents: some Sequence<[UInt8]> { idsByContent.keys.lazy.map(\.bytes) }
}
