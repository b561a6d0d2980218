/// One JSON value whose strings are kept as UTF-8 bytes.
///
/// `Foundation`'s decoders are no choice for vocabularies: Swift compares strings by canonical equivalence, so a
/// `[String: Int]` would merge the composed and the decomposed spelling of one letter, which are two tokens.
enum RawJSON {
    case null
    case boolean(Bool)
    /// A number without fraction or exponent that fits 64 bits.
    case integer(Int)
    case real(Double)
    /// Valid UTF-8.
    case string([UInt8])
    case array([RawJSON])
    /// Members in file order; a name may occur twice.
    case object([Member])

    struct Member {
        let name: [UInt8]
        let value: RawJSON
    }

    /// The kind of value, for messages.
    var kind: String {
        switch self {
        case .null: "null"
        case .boolean: "a boolean"
        case .integer: "an integer"
        case .real: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
