/// Rewrites a stretch of text before it is split into pieces. Text is valid UTF-8 on both sides.
protocol Normalizer: Sendable {
    func normalize(_ text: inout [UInt8])
}

/// Reads a `normalizer` object of `tokenizer.json`. A new kind is a file beside this one and a line here.
func makeNormalizer(_ field: JSONField) throws(TokenizerError) -> any Normalizer {
    switch try field.required("type").text() {
    case "Sequence": return try NormalizerSequence(field)
    case "Prepend": return PrependNormalizer(prefix: try field.required("prepend").bytes())
    case "Replace": return try ReplaceNormalizer(field)
    case "NFC": return UnicodeNormalizer(form: .composed)
    case "NFD": return UnicodeNormalizer(form: .decomposed)
    case let other:
        throw field.unsupported(other, supported: "Sequence, Prepend, Replace, NFC, NFD")
    }
}

/// Normalizers applied one after the other.
struct NormalizerSequence: Normalizer {
    let steps: [any Normalizer]

    init(_ field: JSONField) throws(TokenizerError) {
        var steps: [any Normalizer] = []
        for element in try field.required("normalizers").elements() { steps.append(try makeNormalizer(element)) }
        self.steps = steps
    }

    func normalize(_ text: inout [UInt8]) {
        for step in steps { step.normalize(&text) }
    }
}

/// Puts a prefix before text that is not empty.
struct PrependNormalizer: Normalizer {
    let prefix: [UInt8]

    func normalize(_ text: inout [UInt8]) {
        if !text.isEmpty { text.insert(contentsOf: prefix, at: 0) }
    }
}
