/// The classes of Unicode scalars that word patterns distinguish; they exclude one another.
enum ScalarClass: UInt8 {
    case other
    /// `\p{L}`
    case letter
    /// `\p{N}`
    case number
    /// `\s`: White_Space
    case space

    /// The class of `scalar` as the regular expression engine of `tokenizers` (Oniguruma, Unicode 16) sees it.
    @inline(__always)
    init(_ scalar: UInt32) {
        self = scalar < 0x80 ? ScalarClass(ascii: UInt8(truncatingIfNeeded: scalar)) : ScalarClass(wide: scalar)
    }

    @inline(__always)
    private init(ascii: UInt8) {
        let folded = ascii | 0x20
        if folded >= 0x61 && folded <= 0x7A {
            self = .letter
        } else if ascii >= 0x30 && ascii <= 0x39 {
            self = .number
        } else if ascii == 0x20 || (ascii >= 0x09 && ascii <= 0x0D) {
            self = .space
        } else {
            self = .other
        }
    }

    private init(wide scalar: UInt32) {
        self =
            scalar < Self.tableEnd
            ? Self.table[Int(scalar)] : Unicode.Scalar(scalar).map(ScalarClass.init(properties:)) ?? .other
    }

    /// The first two planes hold nearly all text; a look-up in the standard library costs tens of nanoseconds.
    private static let tableEnd: UInt32 = 0x20000
    private static let table: [ScalarClass] = (0..<tableEnd).map { value in
        Unicode.Scalar(value).map(ScalarClass.init(properties:)) ?? .other
    }

    private init(properties scalar: Unicode.Scalar) {
        guard scalar.isAssigned(inUnicode: 16, 0) else {
            self = .other
            return
        }
        if scalar.isLetter {
            self = .letter
        } else if scalar.isNumber {
            self = .number
        } else {
            self = scalar.properties.isWhitespace ? .space : .other
        }
    }
}

extension Unicode.Scalar {
    /// Whether a version of Unicode already had this scalar.
    ///
    /// The engines inside `tokenizers` know different versions, and the standard library a newer one still. To them a
    /// later scalar is unassigned, and treating it so keeps token ids the same when the standard library moves on.
    func isAssigned(inUnicode major: Int, _ minor: Int) -> Bool {
        guard let age = properties.age else { return false }
        return (age.major, age.minor) <= (major, minor)
    }

    /// General category L.
    var isLetter: Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }

    /// General category N.
    var isNumber: Bool {
        switch properties.generalCategory {
        case .decimalNumber, .letterNumber, .otherNumber: true
        default: false
        }
    }

    /// `\w` as Rust's `regex` crate has it (Unicode 16): what `single_word` looks at.
    var isWordScalar: Bool {
        guard isAssigned(inUnicode: 16, 0) else { return false }
        if properties.isAlphabetic || properties.isJoinControl { return true }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .spacingMark, .decimalNumber, .connectorPunctuation: return true
        default: return false
        }
    }
}
