/// Rewrites a stretch of text before it is split into pieces. Text is valid UTF-8 on both sides.
protocol Normalizer: Sendable {
    func normalize(_ text: inout [UInt8])

    /// Whether the first scalar of a text may go without a trace. What then starts the text does not start the input.
    var mayDropStart: Bool { get }

    /// How many times as long as it was a text may get by what the file says, and not by Unicode's own tables.
    var growth: Double { get }
}

extension Normalizer {
    var mayDropStart: Bool { false }
    var growth: Double { 1 }
}

/// Replacements one after the other multiply: forty that double each letter would fill any memory.
let maximumTextGrowth = 4_096.0

/// Reads a `normalizer` object of `tokenizer.json`. A new kind is a file beside this one and a line here.
func makeNormalizer(_ field: JSONField) throws(TokenizerError) -> any Normalizer {
    switch try field.required("type").text() {
    case "Sequence": return try NormalizerSequence(field)
    case "Prepend": return PrependNormalizer(prefix: try field.required("prepend").bytes())
    case "Replace": return try ReplaceNormalizer(field)
    case "NFC": return UnicodeNormalizer(form: .composed)
    case "NFD": return UnicodeNormalizer(form: .decomposed)
    case "NFKC": return UnicodeNormalizer(form: .compatiblyComposed)
    case "NFKD": return UnicodeNormalizer(form: .compatiblyDecomposed)
    case "Lowercase": return LowercaseNormalizer()
    case "Strip": return try StripNormalizer(field)
    case "StripAccents": return StripAccentsNormalizer()
    case "Nmt": return NmtNormalizer()
    case "BertNormalizer": return try BertNormalizer(field)
    case "Precompiled": return try PrecompiledNormalizer(field)
    case let other:
        throw field.unsupported(
            other,
            supported: "Sequence, Prepend, Replace, NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Nmt, "
                + "BertNormalizer, Precompiled")
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

    var mayDropStart: Bool { steps.contains(where: \.mayDropStart) }

    var growth: Double { steps.reduce(1) { $0 * $1.growth } }
}

/// Puts a prefix before text that is not empty.
struct PrependNormalizer: Normalizer {
    let prefix: [UInt8]

    func normalize(_ text: inout [UInt8]) {
        if !text.isEmpty { text.insert(contentsOf: prefix, at: 0) }
    }
}
