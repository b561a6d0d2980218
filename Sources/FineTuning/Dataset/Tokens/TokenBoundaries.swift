/// Finds which token of an encoded text begins at an offset of the text.
struct TokenBoundaries {
    private let text: [UInt8]
    private let tokens: [Int32]
    private let encode: (String) -> [Int32]
    /// The last offset that lies between two tokens, and the number of tokens before it.
    private var known = (offset: 0, index: 0)

    /// - Parameter tokens: What `encode` gives for the whole text.
    init(_ text: String, _ tokens: [Int32], _ encode: @escaping (String) -> [Int32]) {
        self.text = Array(text.utf8)
        self.tokens = tokens
        self.encode = encode
    }

    /// The place of a UTF-8 offset among the tokens: an empty range between two of them, or the range of the one token
    /// that spans it. Offsets must come in ascending order.
    mutating func index(of offset: Int) -> Range<Int> {
        if offset == text.count { return tokens.count..<tokens.count }
        // Encoded alone, the text since the last boundary gives the very tokens that follow it, unless a subword
        // spans the offset or the tokenizer marks the beginning of a text.
        let part = encode(String(decoding: text[known.offset..<offset], as: UTF8.self))
        if tokens[known.index...].starts(with: part) {
            known = (offset, known.index + part.count)
            return known.index..<known.index
        }
        let before = encode(String(decoding: text[..<offset], as: UTF8.self))
        let common = Self.commonPrefix(before, tokens)
        guard common == before.count else { return common..<min(common + 1, tokens.count) }
        known = (offset, common)
        return common..<common
    }

    static func commonPrefix(_ first: [Int32], _ second: [Int32]) -> Int {
        zip(first, second).prefix { $0 == $1 }.count
    }
}
