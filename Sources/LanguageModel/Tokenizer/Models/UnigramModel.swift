/// SentencePiece's unigram language model (Kudo 2018, arXiv:1804.10959): the segmentation with the highest sum of scores.
struct UnigramModel: SubwordModel {
    let vocabulary: Vocabulary
    private let trie: TokenTrie
    /// By id, log probabilities.
    private let scores: [Double]
    private let unknown: Int32
    /// The score of a scalar that is no token.
    private let unknownScore: Double
    /// The tokens `<0x00>` to `<0xFF>`, -1 where missing; nil without byte fallback.
    private let byteTokens: [Int32]?

    /// How much less than the worst token an unknown scalar scores, as in SentencePiece.
    private static let unknownPenalty = 10.0

    init(_ field: JSONField) throws(TokenizerError) {
        for option in ["alpha", "nbest_size"] {
            if let sampling = try field.optional(option) {
                throw sampling.unsupported("sampling of segmentations", supported: "null")
            }
        }
        let vocabularyField = try field.required("vocab")
        var texts: [[UInt8]] = []
        var scores: [Double] = []
        for entry in try vocabularyField.elements() {
            let pair = try entry.elements()
            guard pair.count == 2 else { throw entry.invalid("must be a token and its score") }
            texts.append(try pair[0].bytes())
            scores.append(try pair[1].number())
        }
        vocabulary = try Vocabulary(texts, field: vocabularyField)
        guard let trie = TokenTrie(vocabulary) else { throw vocabularyField.invalid("is too large") }
        self.trie = trie
        self.scores = scores
        guard let unknownID = try field.optional("unk_id") else {
            throw field.unsupported("a Unigram model without unk_id", supported: "one that names its unknown token")
        }
        unknown = try unknownID.tokenID()
        guard Int(unknown) < scores.count else { throw unknownID.invalid("lies outside the vocabulary") }
        unknownScore = (scores.min() ?? 0) - Self.unknownPenalty
        byteTokens = try field.flag("byte_fallback", default: false) ? vocabulary.byteTokens : nil
    }

    func encode(_ pieces: PieceList, into tokens: inout [Int32], scratch: inout EncodingScratch) {
        let bytes = pieces.bytes.span
        for piece in pieces.ranges {
            // The copy in and out keeps exclusive access to the cache apart from that to the paths.
            var paths = SegmentationPaths()
            swap(&paths, &scratch.paths)
            scratch.words.append(piece, of: bytes, to: &tokens) { append(piece, of: bytes, to: &$0, &paths) }
            swap(&paths, &scratch.paths)
        }
    }

    private func append(
        _ piece: Range<Int>, of bytes: Span<UInt8>, to tokens: inout [Int32], _ paths: inout SegmentationPaths
    ) {
        findBestPaths(piece, of: bytes, &paths)
        // From the end backwards, then turned around. A run of unknown scalars is one token.
        let count = tokens.count
        var end = piece.upperBound
        while end > piece.lowerBound {
            let id = paths.ids[end - piece.lowerBound]
            var start = paths.starts[end - piece.lowerBound] + piece.lowerBound
            guard id == unknown else {
                tokens.append(id)
                end = start
                continue
            }
            while start > piece.lowerBound, paths.ids[start - piece.lowerBound] == unknown {
                start = paths.starts[start - piece.lowerBound] + piece.lowerBound
            }
            appendUnknown(start..<end, of: bytes, to: &tokens)
            end = start
        }
        tokens[count...].reverse()
    }

    /// Viterbi's algorithm over byte positions; every scalar is a step at least as an unknown one.
    private func findBestPaths(_ piece: Range<Int>, of bytes: Span<UInt8>, _ paths: inout SegmentationPaths) {
        paths.reset(count: piece.count)
        var start = piece.lowerBound
        while start < piece.upperBound {
            let offset = start - piece.lowerBound
            let score = paths.scores[offset]
            let scalarEnd = start + utf8Length(startingWith: bytes[start])
            var scalarIsToken = false
            var node = TokenTrie.root
            var position = start
            while position < piece.upperBound, let child = trie.child(of: node, bytes[position]) {
                node = child
                position += 1
                let id = trie.id(at: node)
                if id < 0 { continue }
                paths.offer(id, from: offset, to: position - piece.lowerBound, score: score + scores[Int(id)])
                if position == scalarEnd { scalarIsToken = true }
            }
            if !scalarIsToken {
                paths.offer(unknown, from: offset, to: scalarEnd - piece.lowerBound, score: score + unknownScore)
            }
            start = scalarEnd
        }
    }

    /// Appends the tokens of a run of unknown scalars, last first.
    private func appendUnknown(_ run: Range<Int>, of bytes: Span<UInt8>, to tokens: inout [Int32]) {
        // A token that begins or ends with scalars which are none may be the run as a whole.
        var node: UInt32? = TokenTrie.root
        var position = run.lowerBound
        while position < run.upperBound, let current = node {
            node = trie.child(of: current, bytes[position])
            position += 1
        }
        if let node, trie.id(at: node) >= 0 {
            tokens.append(trie.id(at: node))
        } else if let byteTokens, run.allSatisfy({ byteTokens[Int(bytes[$0])] >= 0 }) {
            for position in run.reversed() { tokens.append(byteTokens[Int(bytes[position])]) }
        } else {
            tokens.append(unknown)
        }
    }
}

/// For each place in a piece, the best way to get there.
struct SegmentationPaths {
    /// By offset from the piece's start: the sum of scores; where the last token starts; that token. The last two mean
    /// nothing at offset 0, nor where `starts` is -1: no token ends there.
    private(set) var scores: [Double] = []
    private(set) var starts: [Int] = []
    private(set) var ids: [Int32] = []

    mutating func reset(count: Int) {
        scores.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
        ids.removeAll(keepingCapacity: true)
        scores.append(contentsOf: repeatElement(0, count: count + 1))
        starts.append(contentsOf: repeatElement(-1, count: count + 1))
        ids.append(contentsOf: repeatElement(-1, count: count + 1))
    }

    /// Takes the token if it is the first to end at `end`, or better than those before.
    @inline(__always)
    mutating func offer(_ id: Int32, from start: Int, to end: Int, score: Double) {
        if starts[end] >= 0 && score <= scores[end] { return }
        scores[end] = score
        starts[end] = start
        ids[end] = id
    }
}
