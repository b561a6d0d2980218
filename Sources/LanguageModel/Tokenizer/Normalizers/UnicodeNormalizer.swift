import Foundation

/// Canonical normalization as `tokenizers` does it, with the tables of Unicode 9.
///
/// The tables of `Foundation` are newer. To Unicode 9 a later scalar is unassigned: it neither decomposes, composes nor
/// reorders, so the text is normalized between such scalars and they stay as they are.
struct UnicodeNormalizer: Normalizer {
    enum Form {
        case canonicalComposition
        case canonicalDecomposition
    }

    let form: Form

    func normalize(_ text: inout [UInt8]) {
        if isUnchanged(text) { return }
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var segment = String.UnicodeScalarView()
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
            if scalar.isASCII || scalar.isAssigned(inUnicode: 9, 0) {
                segment.append(scalar)
            } else {
                append(&segment, to: &result)
                result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
        append(&segment, to: &result)
        text = result
    }

    /// A quick answer for most text: below U+0300 nothing composes, below U+0080 nothing decomposes.
    private func isUnchanged(_ text: [UInt8]) -> Bool {
        switch form {
        case .canonicalComposition: text.allSatisfy { $0 < 0xCC }
        case .canonicalDecomposition: text.allSatisfy { $0 < 0x80 }
        }
    }

    private func append(_ segment: inout String.UnicodeScalarView, to result: inout [UInt8]) {
        guard !segment.isEmpty else { return }
        let text = String(segment)
        switch form {
        case .canonicalComposition: result.append(contentsOf: text.precomposedStringWithCanonicalMapping.utf8)
        case .canonicalDecomposition: result.append(contentsOf: text.decomposedStringWithCanonicalMapping.utf8)
        }
        segment = String.UnicodeScalarView()
    }
}
