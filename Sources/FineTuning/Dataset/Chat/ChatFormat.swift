/// How one family of models writes a conversation.
protocol ChatFormat: Sendable {
    /// Why these messages cannot be written, with the remedy; `nil` if they can.
    func objection(to messages: [ChatMessage]) -> String?
    /// - Parameter prompting: Whether to add the beginning of the answer that is to be generated.
    func render(_ messages: [ChatMessage], _ specials: ChatSpecials, prompting: Bool) -> RenderedChat
}

extension ChatFormat {
    func objection(to messages: [ChatMessage]) -> String? { nil }
}

extension String {
    /// Without white space at either end, as Python's `str.strip()` and so Jinja's `trim` take it.
    var strippedLikePython: String {
        func isSpace(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
        }
        let rest = unicodeScalars.drop(while: isSpace)
        guard let last = rest.lastIndex(where: { !isSpace($0) }) else { return "" }
        return String(rest[...last])
    }
}
