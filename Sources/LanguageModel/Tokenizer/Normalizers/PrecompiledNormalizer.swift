/// SentencePiece's table of replacements, `precompiled_charsmap`.
///
/// The table is a double-array trie (Aoe 1989, in the layout of `darts-clone`) over UTF-8, whose values are places in a
/// text of replacements that end with a zero byte.
struct PrecompiledNormalizer: Normalizer {
    private let units: [UInt32]
    private let replacements: [UInt8]
    /// For each ASCII byte that stands alone, its replacement; nil where it stays.
    private var ascii: [[UInt8]?] = []

    init(_ field: JSONField) throws(TokenizerError) {
        let map = try field.required("precompiled_charsmap")
        guard let data = Base64.decode(try map.bytes()) else { throw map.invalid("is not base64") }
        let length = data.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard data.count >= 4, length > 0, length % 4 == 0, length <= data.count - 4 else {
            throw map.invalid("does not hold the trie it announces")
        }
        units = stride(from: 4, to: 4 + length, by: 4).map { start in
            data[start..<start + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        replacements = Array(data[(4 + length)...])
        guard String(validating: replacements, as: UTF8.self) != nil else {
            throw map.invalid("holds replacements that are not UTF-8")
        }
        ascii = (UInt8(0)..<0x80).map { byte in
            let key = [byte]
            return replacement(of: key.span, 0..<1).map { Array(replacements[$0]) }
        }
    }

    func normalize(_ text: inout [UInt8]) {
        var result: [UInt8] = []
        result.reserveCapacity(text.count + text.count / 8)
        let source = text
        let bytes = source.span
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            // An ASCII character before another one is a grapheme of its own, but for a carriage return.
            let isAlone = byte < 0x80 && byte != 0x0D && (position + 1 == bytes.count || bytes[position + 1] < 0x80)
            if isAlone {
                if let replacement = ascii[Int(byte)] {
                    result.append(contentsOf: replacement)
                } else {
                    result.append(byte)
                }
                position += 1
                continue
            }
            let end = graphemesEnd(in: bytes, after: position)
            appendByGraphemes(bytes, position..<end, to: &result)
            position = end
        }
        text = result
    }

    /// Where graphemes can be told without what follows: after an ASCII character before another one.
    private func graphemesEnd(in bytes: Span<UInt8>, after start: Int) -> Int {
        var end = start + 1
        while end < bytes.count {
            let splits = bytes[end - 1] < 0x80 && bytes[end] < 0x80 && !(bytes[end - 1] == 0x0D && bytes[end] == 0x0A)
            if splits { break }
            end += 1
        }
        return end
    }

    private func appendByGraphemes(_ bytes: Span<UInt8>, _ range: Range<Int>, to result: inout [UInt8]) {
        let text = String(decoding: range.map { bytes[$0] }, as: UTF8.self)
        var start = range.lowerBound
        for character in text {
            let end = start + character.utf8.count
            // As in SentencePiece's normalizer, a short grapheme is replaced as a whole by what its beginning maps to.
            if end - start < 6, let replacement = replacement(of: bytes, start..<end) {
                result.append(contentsOf: replacements[replacement])
            } else {
                appendByScalars(bytes, start..<end, to: &result)
            }
            start = end
        }
    }

    private func appendByScalars(_ bytes: Span<UInt8>, _ range: Range<Int>, to result: inout [UInt8]) {
        var position = range.lowerBound
        while position < range.upperBound {
            let end = scalar(in: bytes, at: position).end
            if let replacement = replacement(of: bytes, position..<end) {
                result.append(contentsOf: replacements[replacement])
            } else {
                for index in position..<end { result.append(bytes[index]) }
            }
            position = end
        }
    }

    /// Where the replacement of the shortest key that `range` begins with lies; nil if there is none.
    private func replacement(of bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int>? {
        var node = Self.offset(units[0])
        for position in range {
            let byte = bytes[position]
            if byte == 0 { return nil }
            node ^= Int(byte)
            guard node < units.count, units[node] & 0x8000_00FF == UInt32(byte) else { return nil }
            let unit = units[node]
            node ^= Self.offset(unit)
            guard node < units.count else { return nil }
            if unit >> 8 & 1 == 1 { return replacement(at: Int(units[node] & 0x7FFF_FFFF)) }
        }
        return nil
    }

    /// The replacement from `start` to the next zero byte; nil in a damaged table.
    private func replacement(at start: Int) -> Range<Int>? {
        guard start <= replacements.count else { return nil }
        if start < replacements.count && replacements[start] & 0xC0 == 0x80 { return nil }
        return start..<(replacements[start...].firstIndex(of: 0) ?? replacements.count)
    }

    private static func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 1 << 9) >> 6) }
}
