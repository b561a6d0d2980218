/// Splits at a literal string or by one of the known regular expressions.
struct SplitPreTokenizer: PreTokenizer {
    private let splitter: any Splitter
    private let behavior: SplitBehavior
    private let inverted: Bool

    init(_ field: JSONField) throws(TokenizerError) {
        behavior = try SplitBehavior(try field.required("behavior"))
        inverted = try field.flag("invert", default: false)
        let pattern = try field.required("pattern")
        if let expression = try pattern.optional("Regex") {
            splitter = try Self.wordPattern(expression)
        } else {
            let literal = try pattern.required("String").bytes()
            guard !literal.isEmpty else { throw pattern.invalid("must not be empty") }
            splitter = LiteralSplitter(literal: literal)
        }
    }

    private static func wordPattern(_ expression: JSONField) throws(TokenizerError) -> any Splitter {
        let text = try expression.bytes()
        if text.elementsEqual(GPT2Pattern.expression.utf8) { return GPT2Pattern() }
        if text.elementsEqual(Llama3Pattern.llama3Expression.utf8) { return Llama3Pattern(digits: 3) }
        if text.elementsEqual(Llama3Pattern.qwen2Expression.utf8) { return Llama3Pattern(digits: 1) }
        throw expression.unsupported(
            "the regular expression \(quoted(text))", supported: "those of GPT-2, Llama 3 and Qwen2")
    }

    func apply(to pieces: inout PieceList) {
        pieces.split(splitter, behavior, inverted: inverted)
    }
}

/// Matches a literal string, leftmost first.
struct LiteralSplitter: Splitter {
    /// UTF-8, not empty.
    let literal: [UInt8]

    func nextPart(in bytes: Span<UInt8>, at position: Int, before limit: Int) -> (end: Int, isMatch: Bool) {
        var end = position
        while end < limit {
            if bytes[end] == literal[0] && matches(literal.span, in: bytes, at: end, before: limit) {
                return end == position ? (end + literal.count, true) : (end, false)
            }
            end += 1
        }
        return (limit, false)
    }
}
