/// BERT's cleaning (Devlin et al. 2018, `BasicTokenizer`): control characters go, white space becomes spaces, Chinese
/// characters stand alone, accents go, letters become small; each at the file's wish.
struct BertNormalizer: Normalizer {
    private let cleans: Bool
    private let partsIdeographs: Bool
    private let stripsAccents: Bool
    private let lowercases: Bool
    private let traits = ScalarTraits.table
    private let mapping = LowercaseMapping.shared
    private let tables = CanonicalTables.shared
    /// What becomes of each ASCII byte; `dropped` for nothing.
    private let ascii: [UInt8]

    /// Not ASCII, so no byte that the table yields otherwise.
    private static let dropped: UInt8 = 0xFF

    init(_ field: JSONField) throws(TokenizerError) {
        cleans = try field.flag("clean_text", default: true)
        partsIdeographs = try field.flag("handle_chinese_chars", default: true)
        lowercases = try field.flag("lowercase", default: true)
        stripsAccents = try field.flag("strip_accents", default: lowercases)
        var ascii: [UInt8] = []
        for byte in UInt8(0)..<0x80 {
            let traits = traits[Int(byte)]
            if cleans && traits.contains(.control) {
                ascii.append(Self.dropped)
            } else if cleans && traits.contains(.space) {
                ascii.append(UInt8(ascii: " "))
            } else {
                ascii.append(lowercases ? LowercaseMapping.ascii(byte) : byte)
            }
        }
        self.ascii = ascii
    }

    var mayDropStart: Bool { cleans || stripsAccents }

    func normalize(_ text: inout [UInt8]) {
        var result: [UInt8] = []
        result.reserveCapacity(text.count + text.count / 8)
        let source = text
        let bytes = source.span
        // Accents are sorted among their neighbours, which ASCII parts; so only what lies between is held back.
        var pending: [UInt32] = []
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            if byte < 0x80 {
                position += 1
                let mapped = ascii[Int(byte)]
                if mapped == Self.dropped { continue }
                if !pending.isEmpty { flush(&pending, to: &result) }
                result.append(mapped)
                continue
            }
            let next = scalar(in: bytes, at: position)
            position = next.end
            let traits = ScalarTraits.of(next.value, in: traits)
            if cleans && !traits.isDisjoint(with: [.control, .space]) {
                if traits.contains(.control) { continue }
                pending.append(0x20)
            } else if partsIdeographs && traits.contains(.ideograph) {
                pending.append(0x20)
                pending.append(next.value)
                pending.append(0x20)
            } else {
                pending.append(next.value)
            }
        }
        flush(&pending, to: &result)
        text = result
    }

    private func flush(_ pending: inout [UInt32], to result: inout [UInt8]) {
        if stripsAccents {
            var decomposed: [UInt32] = []
            decomposed.reserveCapacity(pending.count * 2)
            for value in pending { tables.appendDecomposition(of: value, to: &decomposed) }
            tables.sortMarks(&decomposed)
            decomposed.removeAll { ScalarTraits.of($0, in: traits).contains(.accent) }
            swap(&pending, &decomposed)
        }
        for value in pending {
            if lowercases { mapping.append(value, to: &result) } else { appendUTF8(value, to: &result) }
        }
        pending.removeAll(keepingCapacity: true)
    }
}
