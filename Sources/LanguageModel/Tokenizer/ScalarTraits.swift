/// What normalizers and pre-tokenizers of the BERT family ask about a Unicode scalar. Unlike the classes of
/// ``ScalarClass``, traits overlap.
///
/// Each stands for a predicate of one of the libraries inside `tokenizers`, with the version of Unicode it knows.
struct ScalarTraits: OptionSet {
    let rawValue: UInt8

    /// White_Space, as Rust's `char::is_whitespace`.
    static let space = ScalarTraits(rawValue: 1)
    /// `\w` of Rust's `regex`.
    static let word = ScalarTraits(rawValue: 2)
    /// General category P of Unicode 8, or ASCII punctuation in the wider sense of C's `ispunct`.
    static let punctuation = ScalarTraits(rawValue: 4)
    /// General categories Cc, Cf and Co of Unicode 8, and U+FFFD: what BERT's cleaning drops. It spares tab and line
    /// breaks, which it takes for spaces.
    static let control = ScalarTraits(rawValue: 8)
    /// General category Mn of Unicode 8: what BERT takes for an accent.
    static let accent = ScalarTraits(rawValue: 16)
    /// General category M of Unicode 9: what `StripAccents` takes for one.
    static let mark = ScalarTraits(rawValue: 32)
    /// The blocks of Chinese characters that BERT sets apart.
    static let ideograph = ScalarTraits(rawValue: 64)

    init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// The traits of every scalar of the first two planes, which hold nearly all text.
    static let table: [ScalarTraits] = (0..<UInt32(0x20000)).map { value in
        Unicode.Scalar(value).map(ScalarTraits.init(properties:)) ?? []
    }

    /// Takes ``table`` as an argument: in a loop, a look-up of the static would be guarded each time.
    @inline(__always)
    static func of(_ value: UInt32, in table: [ScalarTraits]) -> ScalarTraits {
        Int(value) < table.count
            ? table[Int(value)] : Unicode.Scalar(value).map(ScalarTraits.init(properties:)) ?? []
    }

    private init(properties scalar: Unicode.Scalar) {
        var traits: ScalarTraits = []
        if scalar.properties.isWhitespace { traits.insert(.space) }
        if scalar.isWordScalar { traits.insert(.word) }
        if Self.isIdeograph(scalar.value) { traits.insert(.ideograph) }
        switch scalar.properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            if scalar.isAssigned(inUnicode: 8, 0) { traits.insert(.punctuation) }
        case .control:
            if !Self.countAsSpaces.contains(scalar.value) { traits.insert(.control) }
        case .format, .privateUse:
            if scalar.isAssigned(inUnicode: 8, 0) { traits.insert(.control) }
        case .nonspacingMark:
            if scalar.isAssigned(inUnicode: 8, 0) { traits.insert(.accent) }
            if scalar.isAssigned(inUnicode: 9, 0) { traits.insert(.mark) }
        case .spacingMark, .enclosingMark:
            if scalar.isAssigned(inUnicode: 9, 0) { traits.insert(.mark) }
        default:
            break
        }
        for (trait, differing) in Self.changedSince where differing.contains(scalar.value) {
            traits.formSymmetricDifference(trait)
        }
        self = traits
    }

    private static let countAsSpaces: Set<UInt32> = [0x09, 0x0A, 0x0D]

    /// Scalars whose category today is not that of the version meant, and ASCII symbols that count as punctuation.
    private static let changedSince: [(ScalarTraits, Set<UInt32>)] = [
        (.punctuation, [0x24, 0x2B, 0x3C, 0x3D, 0x3E, 0x5E, 0x60, 0x7C, 0x7E, 0x166D, 0x111C9]),
        (.control, [0xFFFD]),
        (.accent, [0x1734, 0x1885, 0x1886, 0xA9BD, 0x111C9, 0x1171E]),
        (.mark, [0x1CF2, 0x1CF3, 0x111C9]),
    ]

    private static func isIdeograph(_ value: UInt32) -> Bool {
        switch value {
        case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x2A6DF, 0x2A700...0x2B81F,
            0x2B920...0x2CEAF, 0x2F800...0x2FA1F:
            true
        default: false
        }
    }
}
