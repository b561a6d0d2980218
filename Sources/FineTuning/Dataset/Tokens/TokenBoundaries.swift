/// Finds which tokens of an encoded text belong to a part of it, without a tokenizer that tells offsets.
struct TokenBoundaries {
    private let text: [UInt8]
    private let tokens: [Int32]
    private let encode: (String) -> [Int32]
    /// The last offset known to lie between two tokens, and the number of tokens before it.
    private var known = (offset: 0, index: 0)

    /// - Parameter tokens: What `encode` gives for the whole text.
    init(_ text: String, _ tokens: [Int32], _ encode: @escaping (String) -> [Int32]) {
        self.text = Array(text.utf8)
        self.tokens = tokens
        self.encode = encode
    }

    /// The tokens of a part, those included that reach beyond it. Parts must come in ascending order.
    ///
    /// - Parameter part: UTF-8 offsets.
    mutating func tokens(of part: Range<Int>) -> Range<Int> {
        if let start = cleanIndex(of: part.lowerBound) {
            known = (part.lowerBound, start)
            if let end = cleanIndex(of: part.upperBound) {
                known = (part.upperBound, end)
                return start..<end
            }
            return start..<endOfStraddling(part.upperBound)
        }
        if let end = cleanIndex(of: part.upperBound) {
            let start = startBefore(end, part)
            known = (part.upperBound, end)
            return start..<end
        }
        known = (0, 0)
        let start = Self.commonPrefix(encoded(0..<part.lowerBound), tokens[...])
        return start..<max(start, endOfStraddling(part.upperBound))
    }

    /// Encoded alone, the text since the last known place gives the very tokens that follow it, unless a subword spans
    /// the offset, or the tokenizer treats the end of a text or its beginning in a way of their own.
    private func cleanIndex(of offset: Int) -> Int? {
        if offset == text.count { return tokens.count }
        let part = encoded(known.offset..<offset)
        return tokens[known.index...].starts(with: part) ? known.index + part.count : nil
    }

    /// Where a part begins whose end is known but whose beginning is not clean, seen from the end: GPT-2's patterns,
    /// for one, split line breaks before a word otherwise than at the end of a text.
    private func startBefore(_ end: Int, _ part: Range<Int>) -> Int {
        let inner = encoded(part)
        let common = zip(inner.reversed(), tokens[known.index..<end].reversed()).prefix { $0 == $1 }.count
        if common == inner.count { return end - common }
        // A token spans the beginning: the first that is not as it would be without the part.
        return known.index + Self.commonPrefix(encoded(known.offset..<part.lowerBound), tokens[known.index...])
    }

    /// The end of the token that spans the end of a part.
    private func endOfStraddling(_ offset: Int) -> Int {
        let common = Self.commonPrefix(encoded(known.offset..<offset), tokens[known.index...])
        return min(known.index + common + 1, tokens.count)
    }

    private func encoded(_ range: Range<Int>) -> [Int32] {
        encode(String(decoding: text[range], as: UTF8.self))
    }

    private static func commonPrefix(_ first: [Int32], _ second: ArraySlice<Int32>) -> Int {
        zip(first, second).prefix { $0 == $1 }.count
    }
}
