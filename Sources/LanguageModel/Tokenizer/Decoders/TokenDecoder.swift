/// One step from token texts to text. Texts are valid UTF-8 on both sides.
protocol TokenDecoder: Sendable {
    func decode(_ texts: [[UInt8]]) -> [[UInt8]]

    /// How many times as long as they were the texts may get.
    var growth: Double { get }
}

extension TokenDecoder {
    var growth: Double { 1 }
}

/// Reads a `decoder` object of `tokenizer.json`. A new kind is a file beside this one and a line here.
func makeTokenDecoder(_ field: JSONField) throws(TokenizerError) -> any TokenDecoder {
    switch try field.required("type").text() {
    case "Sequence": return try TokenDecoderSequence(field)
    case "ByteLevel": return ByteLevelDecoder()
    case "ByteFallback": return ByteFallbackDecoder()
    case "Fuse": return FuseDecoder()
    case "Replace": return ReplaceDecoder(replace: try ReplaceNormalizer(field))
    case "Strip": return try StripDecoder(field)
    case "Metaspace": return MetaspaceDecoder(scheme: try MetaspaceScheme(field))
    case "WordPiece": return try WordPieceDecoder(field)
    case let other:
        throw field.unsupported(
            other, supported: "Sequence, ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace, WordPiece")
    }
}

/// Decoders applied one after the other.
struct TokenDecoderSequence: TokenDecoder {
    let steps: [any TokenDecoder]

    init(_ field: JSONField) throws(TokenizerError) {
        var steps: [any TokenDecoder] = []
        for element in try field.required("decoders").elements() { steps.append(try makeTokenDecoder(element)) }
        self.steps = steps
    }

    func decode(_ texts: [[UInt8]]) -> [[UInt8]] {
        steps.reduce(texts) { $1.decode($0) }
    }

    var growth: Double { steps.reduce(1) { $0 * $1.growth } }
}

/// Joins all texts into one, so that the steps after it see the whole.
struct FuseDecoder: TokenDecoder {
    func decode(_ texts: [[UInt8]]) -> [[UInt8]] { [Array(texts.joined())] }
}

/// Replaces a literal pattern in each text.
struct ReplaceDecoder: TokenDecoder {
    let replace: ReplaceNormalizer

    func decode(_ texts: [[UInt8]]) -> [[UInt8]] {
        texts.map { text in
            var result = text
            replace.normalize(&result)
            return result
        }
    }

    var growth: Double { replace.growth }
}
