/// The special tokens that a post-processor puts around a text.
struct SpecialTokenTemplate {
    private(set) var prefix: [Int32] = []
    private(set) var suffix: [Int32] = []

    var count: Int { prefix.count + suffix.count }

    /// -1 if there are none.
    var largestID: Int32 { (prefix + suffix).max() ?? -1 }

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
        case "BertProcessing", "RobertaProcessing":
            prefix = [try Self.namedToken(try field.required("cls"))]
            suffix = [try Self.namedToken(try field.required("sep"))]
        case let other:
            throw field.unsupported(
                other, supported: "ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing, Sequence")
        }
    }

    /// Reads `["[CLS]", 101]`.
    private static func namedToken(_ field: JSONField) throws(TokenizerError) -> Int32 {
        let pair = try field.elements()
        guard pair.count == 2 else { throw field.invalid("must be a token and its id") }
        _ = try pair[0].bytes()
        return try pair[1].tokenID()
    }

    private mutating func readTemplate(_ field: JSONField) throws(TokenizerError) {
        let single = try field.required("single")
        let specials = try field.required("special_tokens")
        var sawText = false
        for element in try single.elements() {
            if let text = try element.optional("Sequence") {
                try Self.requireFirstType(text)
                guard try text.required("id").text() == "A", !sawText else {
                    throw element.invalid("must name the sequence A, once")
                }
                sawText = true
                continue
            }
            let special = try element.required("SpecialToken")
            try Self.requireFirstType(special)
            let name = try special.required("id").text()
            for id in try specials.required(name).required("ids").elements() {
                if sawText { suffix.append(try id.tokenID()) } else { prefix.append(try id.tokenID()) }
            }
        }
        guard sawText else { throw single.invalid("does not contain the text") }
    }

    /// Encoding gives no token types: those of one text are taken to be 0.
    private static func requireFirstType(_ element: JSONField) throws(TokenizerError) {
        if let type = try element.optional("type_id"), try type.count() != 0 {
            throw type.unsupported("\(try type.count()) in a template for one text", supported: "0")
        }
    }
}
