/// The special tokens that a post-processor puts around a text.
struct SpecialTokenTemplate {
    private(set) var prefix: [Int32] = []
    private(set) var suffix: [Int32] = []

    init() {}

    /// Reads a `post_processor` object. A new kind is one more case here.
    init(_ field: JSONField) throws(TokenizerError) {
        switch try field.required("type").text() {
        case "ByteLevel":
            // It only trims offsets, which nobody asks for here.
            break
        case "Sequence":
            for element in try field.required("processors").elements() {
                let inner = try SpecialTokenTemplate(element)
                prefix = inner.prefix + prefix
                suffix += inner.suffix
            }
        case "TemplateProcessing":
            try readTemplate(field)
        case let other:
            throw field.unsupported(other, supported: "ByteLevel, TemplateProcessing, Sequence")
        }
    }

    private mutating func readTemplate(_ field: JSONField) throws(TokenizerError) {
        let single = try field.required("single")
        let specials = try field.required("special_tokens")
        var sawText = false
        for element in try single.elements() {
            if let text = try element.optional("Sequence") {
                guard try text.required("id").text() == "A", !sawText else {
                    throw element.invalid("must name the sequence A, once")
                }
                sawText = true
                continue
            }
            let name = try element.required("SpecialToken").required("id").text()
            for id in try specials.required(name).required("ids").elements() {
                if sawText { suffix.append(try id.tokenID()) } else { prefix.append(try id.tokenID()) }
            }
        }
        guard sawText else { throw single.invalid("does not contain the text") }
    }
}
