/// WordPiece (Schuster and Nakajima 2012) as BERT has it: the longest token first, from left to right; a word that
/// cannot be covered is unknown as a whole.
struct WordPieceModel: SubwordModel {
    let vocabulary: Vocabulary
    private let trie: TokenTrie
    private let unknown: Int32
    /// The node of the prefix that marks a token inside a word; nil if no token has it.
    private let continuation: UInt32?
    /// Longer words are unknown. Unit: Unicode scalars.
    private let longestWord: Int

    init(_ field: JSONField) throws(TokenizerError) {
        let vocabularyField = try field.required("vocab")
        vocabulary = try Vocabulary(vocabularyField)
        guard let trie = TokenTrie(vocabulary) else { throw vocabularyField.invalid("is too large") }
        self.trie = trie
        let unknownText = try field.required("unk_token")
        guard let unknown = vocabulary.id(of: try unknownText.bytes()) else {
            throw unknownText.invalid("names \(quoted(try unknownText.bytes())), which the vocabulary lacks")
        }
        self.unknown = unknown
        continuation = trie.node(of: try field.required("continuing_subword_prefix").bytes())
        longestWord = try field.required("max_input_chars_per_word").count()
    }

    func encode(_ pieces: PieceList, into tokens: inout [Int32], scratch: inout EncodingScratch) {
        let bytes = pieces.bytes.span
        for word in pieces.ranges {
            scratch.words.append(word, of: bytes, to: &tokens) { append(word, of: bytes, to: &$0) }
        }
    }

    private func append(_ word: Range<Int>, of bytes: Span<UInt8>, to tokens: inout [Int32]) {
        let count = tokens.count
        var start = word.lowerBound
        var scalars = 0
        for position in word where bytes[position] & 0xC0 != 0x80 { scalars += 1 }
        guard scalars <= longestWord else {
            tokens.append(unknown)
            return
        }
        while start < word.upperBound {
            guard let match = longestToken(in: bytes, start..<word.upperBound, isFirst: start == word.lowerBound) else {
                tokens.removeSubrange(count...)
                tokens.append(unknown)
                return
            }
            tokens.append(match.id)
            start = match.end
        }
    }

    @inline(__always)
    private func longestToken(
        in bytes: Span<UInt8>, _ range: Range<Int>, isFirst: Bool
    ) -> (id: Int32, end: Int)? {
        guard var node = isFirst ? TokenTrie.root : continuation else { return nil }
        var found: (id: Int32, end: Int)?
        var position = range.lowerBound
        while position < range.upperBound, let child = trie.child(of: node, bytes[position]) {
            node = child
            position += 1
            let id = trie.id(at: node)
            if id >= 0 { found = (id, position) }
        }
        return found
    }
}
