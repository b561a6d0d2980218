/// All added tokens of a tokenizer: their ids, and the matchers that find them in raw and in normalized text.
struct AddedVocabulary {
    /// What decoding starts from: the token as it was looked for, which the decoder turns back into what it stands for.
    private var textsByID: [Int32: [UInt8]] = [:]
    private var idsByContent: [TokenText: Int32] = [:]
    private var specialIDs: Set<Int32> = []
    /// For tokens looked for in the text as given.
    private(set) var raw = TokenMatcher()
    /// For tokens looked for after normalization.
    private(set) var normalized = TokenMatcher()

    /// `nil` if there are none.
    var largestID: Int32? { idsByContent.values.max() }

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
            if token.isSpecial { specialIDs.insert(token.id) }
            tokens.append(token)
        }
        // Two tokens may have the same normalized text: special ones win.
        for token in tokens.filter(\.isSpecial) + tokens.filter({ !$0.isSpecial }) {
            guard token.isNormalized else {
                raw.add(token, pattern: token.content)
                textsByID[token.id] = token.content
                continue
            }
            var pattern = token.content
            normalizer?.normalize(&pattern)
            normalized.add(token, pattern: pattern)
            textsByID[token.id] = pattern
        }
    }

    func id(of content: [UInt8]) -> Int32? { idsByContent[TokenText(content)] }

    /// The token's text: in its normalized form if that is how it is looked for.
    func text(of id: Int32) -> [UInt8]? { textsByID[id] }

    /// Whether decoding leaves the token out on request.
    ///
    /// By id: recent versions of `tokenizers` ask by text and so keep a special token whose normalized form differs.
    func isSpecial(_ id: Int32) -> Bool { specialIDs.contains(id) }

    var contents: some Sequence<[UInt8]> { idsByContent.keys.lazy.map(\.bytes) }
}
