import Foundation

/// Full compatibility decompositions of Unicode 9, the version that `tokenizers` has; see ``CanonicalTables``.
struct CompatibilityDecompositions {
    /// Built on first use, in some tens of milliseconds.
    static let shared = CompatibilityDecompositions()

    /// Those that differ from the canonical one; canonical ones of the same scalars are among them.
    private var decompositions: [UInt32: [UInt32]] = [:]

    /// Where compatibility decompositions are.
    private static let candidates: [ClosedRange<UInt32>] = [
        0xA0...0x33FF, 0xA690...0xA7FF, 0xAB50...0xAB6F, 0xF900...0xFFEF, 0x1D100...0x1D7FF, 0x1EE00...0x1EEFF,
        0x1F100...0x1F2FF, 0x2F800...0x2FA1F,
    ]

    private init() {
        for value in Self.candidates.joined() {
            guard let scalar = Unicode.Scalar(value), scalar.isAssigned(inUnicode: 9, 0) else { continue }
            let decomposed = String(scalar).decomposedStringWithCompatibilityMapping.unicodeScalars.map(\.value)
            if decomposed != [value] { decompositions[value] = decomposed }
        }
    }

    /// The decomposition of `scalar`, or nil if it is not in this table.
    subscript(_ scalar: UInt32) -> [UInt32]? { decompositions[scalar] }
}
