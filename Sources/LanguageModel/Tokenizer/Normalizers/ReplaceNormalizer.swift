/// Replaces every occurrence of a literal pattern, leftmost first, or every run of spaces.
struct ReplaceNormalizer: Normalizer {
    let pattern: [UInt8]
    let content: [UInt8]
    /// Whether a match takes along the repetitions of the pattern's last byte after it.
    private let takesRun: Bool

    /// The one regular expression that converted SentencePiece models have: two spaces or more.
    private static let spaceRuns = " {2,}"

    init(pattern: [UInt8], content: [UInt8]) {
        self.pattern = pattern
        self.content = content
        takesRun = false
    }

    /// Without a first scalar, what it was replaced by does not start the input.
    var mayDropStart: Bool { content.isEmpty }

    var growth: Double { max(1, Double(content.count) / Double(pattern.count)) }

    /// Reads `{"pattern": {"String": …}, "content": …}`, which normalizers and decoders share.
    init(_ field: JSONField) throws(TokenizerError) {
        let pattern = try field.required("pattern")
        content = try field.required("content").bytes()
        if let expression = try pattern.optional("Regex") {
            guard try expression.text() == Self.spaceRuns else {
                throw field.unsupported(
                    "Replace with the regular expression \(quoted(try expression.bytes()))",
                    supported: "Replace with a literal String or the regular expression \"\(Self.spaceRuns)\"")
            }
            self.pattern = Array("  ".utf8)
            takesRun = true
            return
        }
        takesRun = false
        self.pattern = try pattern.required("String").bytes()
        guard !self.pattern.isEmpty else { throw pattern.invalid("must not be empty") }
    }

    func normalize(_ text: inout [UInt8]) {
        guard let first = pattern.first, text.contains(first) else { return }
        var result: [UInt8] = []
        result.reserveCapacity(text.count + text.count / 2)
        let source = text
        let bytes = source.span
        var position = 0
        while position < bytes.count {
            if bytes[position] == first && matches(pattern.span, in: bytes, at: position, before: bytes.count) {
                result.append(contentsOf: content)
                position += pattern.count
                while takesRun && position < bytes.count && bytes[position] == first { position += 1 }
            } else {
                result.append(bytes[position])
                position += 1
            }
        }
        text = result
    }
}
