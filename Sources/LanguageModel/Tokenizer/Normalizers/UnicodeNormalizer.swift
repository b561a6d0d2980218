/// Canonical normalization (Unicode Standard Annex 15) as `tokenizers` does it.
struct UnicodeNormalizer: Normalizer {
    enum Form {
        /// NFC
        case composed
        /// NFD
        case decomposed
    }

    let form: Form

    func normalize(_ text: inout [UInt8]) {
        if isUnchanged(text) { return }
        let tables = CanonicalTables.shared
        var scalars = decomposed(text, tables)
        if form == .composed { compose(&scalars, tables) }
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        for value in scalars {
            if value < 0x80 {
                result.append(UInt8(value))
            } else {
                let scalar = Unicode.Scalar(value) ?? "\u{FFFD}"
                result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
        text = result
    }

    /// A quick answer for most text: below U+0300 nothing composes, below U+0080 nothing decomposes.
    private func isUnchanged(_ text: [UInt8]) -> Bool {
        switch form {
        case .composed: text.allSatisfy { $0 < 0xCC }
        case .decomposed: text.allSatisfy { $0 < 0x80 }
        }
    }

    /// The text's scalars, decomposed and in canonical order.
    private func decomposed(_ text: [UInt8], _ tables: CanonicalTables) -> [UInt32] {
        var scalars: [UInt32] = []
        scalars.reserveCapacity(text.count)
        let bytes = text.span
        var position = 0
        while position < bytes.count {
            let next = scalar(in: bytes, at: position)
            tables.appendDecomposition(of: next.value, to: &scalars)
            position = next.end
        }
        // Runs of combining marks are sorted by class, those of one class keeping their order.
        var index = 0
        while index < scalars.count {
            guard tables.combiningClass(scalars[index]) != 0 else {
                index += 1
                continue
            }
            let start = index
            while index < scalars.count && tables.combiningClass(scalars[index]) != 0 { index += 1 }
            if index - start > 1 {
                let marks = scalars[start..<index].enumerated().map {
                    (key: Int(tables.combiningClass($0.element)) << 40 | $0.offset, scalar: $0.element)
                }
                scalars.replaceSubrange(start..<index, with: marks.sorted { $0.key < $1.key }.map(\.scalar))
            }
        }
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
