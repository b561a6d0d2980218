/// Canonical and compatibility normalization (Unicode Standard Annex 15) as `tokenizers` does it.
struct UnicodeNormalizer: Normalizer {
    enum Form {
        /// NFC
        case composed
        /// NFD
        case decomposed
        /// NFKC
        case compatiblyComposed
        /// NFKD
        case compatiblyDecomposed

        var isComposed: Bool { self == .composed || self == .compatiblyComposed }
        var isCompatible: Bool { self == .compatiblyComposed || self == .compatiblyDecomposed }
    }

    let form: Form

    func normalize(_ text: inout [UInt8]) {
        if isUnchanged(text) { return }
        let tables = CanonicalTables.shared
        var scalars = decomposed(text, tables)
        if form.isComposed { compose(&scalars, tables) }
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        for value in scalars { appendUTF8(value, to: &result) }
        text = result
    }

    /// A quick answer for most text: below U+0300 nothing composes, below U+0080 nothing decomposes, be it for
    /// compatibility.
    private func isUnchanged(_ text: [UInt8]) -> Bool {
        switch form {
        case .composed: text.allSatisfy { $0 < 0xCC }
        case .decomposed, .compatiblyComposed, .compatiblyDecomposed: text.allSatisfy { $0 < 0x80 }
        }
    }

    /// The text's scalars, decomposed and in canonical order.
    private func decomposed(_ text: [UInt8], _ tables: CanonicalTables) -> [UInt32] {
        var scalars: [UInt32] = []
        scalars.reserveCapacity(text.count)
        let compatible = form.isCompatible ? CompatibilityDecompositions.shared : nil
        let bytes = text.span
        var position = 0
        while position < bytes.count {
            let next = scalar(in: bytes, at: position)
            position = next.end
            if let compatible, next.value >= 0xA0, let decomposition = compatible[next.value] {
                scalars.append(contentsOf: decomposition)
            } else {
                tables.appendDecomposition(of: next.value, to: &scalars)
            }
        }
        tables.sortMarks(&scalars)
        return scalars
    }

    /// Composes each starter with what follows it and is not blocked.
    private func compose(_ scalars: inout [UInt32], _ tables: CanonicalTables) {
        var count = 0
        var starter: Int?
        /// The class of the last scalar kept after the starter; -1 if there is none.
        var lastClass = -1
        for scalar in scalars {
            let combiningClass = Int(tables.combiningClass(scalar))
            if let starter, lastClass < combiningClass, let composite = tables.composition(scalars[starter], scalar) {
                scalars[starter] = composite
                continue
            }
            if combiningClass == 0 {
                starter = count
                lastClass = -1
            } else {
                lastClass = combiningClass
            }
            scalars[count] = scalar
            count += 1
        }
        scalars.removeSubrange(count...)
    }
}
