/// Replaces every occurrence of a literal pattern, leftmost first.
struct ReplaceNormalizer: Normalizer {
    let pattern: [UInt8]
    let content: [UInt8]

    init(pattern: [UInt8], content: [UInt8]) {
        self.pattern = pattern
        self.content = content
    }

    /// Reads `{"pattern": {"String": …}, "content": …}`, which normalizers and decoders share.
    init(_ field: JSONField) throws(TokenizerError) {
        let pattern = try field.required("pattern")
        if let expression = try pattern.optional("Regex") {
            throw field.unsupported(
                "Replace with the regular expression \(quoted(try expression.bytes()))",
                supported: "Replace with a literal String")
        }
        self.pattern = try pattern.required("String").bytes()
        self.content = try field.required("content").bytes()
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
            } else {
                result.append(bytes[position])
                position += 1
            }
        }
        text = result
    }
}
