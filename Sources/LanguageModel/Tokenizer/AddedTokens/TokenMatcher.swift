/// Finds added tokens in text: the leftmost match, and of those that start together the longest.
struct TokenMatcher {
    /// A node of the trie over patterns.
    private struct Node {
        var children: [UInt8: Int32] = [:]
        /// The pattern that ends here; -1 for none.
        var pattern: Int32 = -1
    }

    private var nodes = [Node()]
    /// By first byte, whether any pattern starts with it: nearly every position of a text is dismissed by this table.
    private var starts = [Bool](repeating: false, count: 256)
    private var tokens: [AddedToken] = []

    /// A stretch of the text: an added token, or (with `token` nil) text between them.
    struct Section {
        let token: AddedToken?
        let range: Range<Int>
    }

    var isEmpty: Bool { tokens.isEmpty }

    /// Adds a token under the text it is looked for as. Of two tokens with the same text the first one stays.
    mutating func add(_ token: AddedToken, pattern: [UInt8]) {
        guard let first = pattern.first else { return }
        starts[Int(first)] = true
        var node = 0
        for byte in pattern {
            if let child = nodes[node].children[byte] {
                node = Int(child)
            } else {
                nodes.append(Node())
                nodes[node].children[byte] = Int32(nodes.count - 1)
                node = nodes.count - 1
            }
        }
        if nodes[node].pattern < 0 {
            nodes[node].pattern = Int32(tokens.count)
            tokens.append(token)
        }
    }

    /// Divides `text`, valid UTF-8, into sections in order, none of them empty text.
    func sections(of text: [UInt8]) -> [Section] {
        guard !text.isEmpty else { return [] }
        guard !isEmpty else { return [Section(token: nil, range: 0..<text.count)] }
        var sections: [Section] = []
        let bytes = text.span
        var textStart = 0
        var position = 0
        while position < bytes.count {
            guard starts[Int(bytes[position])], let match = longestMatch(in: bytes, at: position) else {
                position += 1
                continue
            }
            position = match.range.upperBound
            guard let range = widened(match, in: bytes, after: textStart) else { continue }
            if textStart < range.lowerBound {
                sections.append(Section(token: nil, range: textStart..<range.lowerBound))
            }
            sections.append(Section(token: match.token, range: range))
            textStart = range.upperBound
        }
        if textStart < bytes.count { sections.append(Section(token: nil, range: textStart..<bytes.count)) }
        return sections
    }

    private func longestMatch(in bytes: Span<UInt8>, at start: Int) -> (token: AddedToken, range: Range<Int>)? {
        var found: (token: AddedToken, range: Range<Int>)?
        var node = 0
        var position = start
        while position < bytes.count, let child = nodes[node].children[bytes[position]] {
            node = Int(child)
            position += 1
            let pattern = nodes[node].pattern
            if pattern >= 0 { found = (tokens[Int(pattern)], start..<position) }
        }
        return found
    }

    /// The match with the white space its token takes along; nil if the token must be a whole word and is not.
    private func widened(
        _ match: (token: AddedToken, range: Range<Int>), in bytes: Span<UInt8>, after textStart: Int
    ) -> Range<Int>? {
        var start = match.range.lowerBound
        var end = match.range.upperBound
        if match.token.isSingleWord {
            if start > 0 && isWord(bytes, at: scalarStart(in: bytes, before: start)) { return nil }
            if end < bytes.count && isWord(bytes, at: end) { return nil }
        }
        if match.token.stripsLeft {
            // White space that the token before has taken is not taken again.
            while start > textStart {
                let previous = scalarStart(in: bytes, before: start)
                guard previous >= textStart, isSpace(bytes, at: previous) else { break }
                start = previous
            }
        }
        if match.token.stripsRight {
            while end < bytes.count && isSpace(bytes, at: end) { end = scalar(in: bytes, at: end).end }
        }
        return start..<end
    }

    private func isWord(_ bytes: Span<UInt8>, at position: Int) -> Bool {
        Unicode.Scalar(scalar(in: bytes, at: position).value)?.isWordScalar ?? false
    }

    private func isSpace(_ bytes: Span<UInt8>, at position: Int) -> Bool {
        ScalarClass(scalar(in: bytes, at: position).value) == .space
    }
}
