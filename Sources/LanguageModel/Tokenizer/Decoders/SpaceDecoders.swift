/// Drops up to so many occurrences of one character from each text's start and end.
struct StripDecoder: TokenDecoder {
    /// One scalar as UTF-8.
    let content: [UInt8]
    let start: Int
    let stop: Int

    init(_ field: JSONField) throws(TokenizerError) {
        content = try field.required("content").scalarBytes()
        start = try field.required("start").count()
        stop = try field.required("stop").count()
    }

    func decode(_ texts: [[UInt8]]) -> [[UInt8]] {
        texts.map { text in
            var rest = text[...]
            var dropped = 0
            while dropped < start && rest.starts(with: content) {
                rest = rest.dropFirst(content.count)
                dropped += 1
            }
            dropped = 0
            while dropped < stop && rest.suffix(content.count) == content[...] {
                rest = rest.dropLast(content.count)
                dropped += 1
            }
            return Array(rest)
        }
    }
}

/// Turns the visible space back into a space; the first text loses the ones that encoding put before it.
struct MetaspaceDecoder: TokenDecoder {
    private let replace: ReplaceNormalizer
    private let dropLeading: ReplaceNormalizer?

    init(scheme: MetaspaceScheme) {
        replace = ReplaceNormalizer(pattern: scheme.replacement, content: [UInt8(ascii: " ")])
        dropLeading =
            scheme.prefix == .never ? nil : ReplaceNormalizer(pattern: scheme.replacement, content: [])
    }

    func decode(_ texts: [[UInt8]]) -> [[UInt8]] {
        texts.enumerated().map { index, text in
            var result = text
            (index == 0 ? dropLeading ?? replace : replace).normalize(&result)
            return result
        }
    }
}
