/// Takes white space from the start or the end of a text.
struct StripNormalizer: Normalizer {
    private let left: Bool
    private let right: Bool

    init(_ field: JSONField) throws(TokenizerError) {
        left = try field.required("strip_left").boolean()
        right = try field.required("strip_right").boolean()
    }

    var mayDropStart: Bool { left }

    func normalize(_ text: inout [UInt8]) {
        let source = text
        let bytes = source.span
        let table = ScalarTraits.table
        var start = 0
        var end = bytes.count
        while left && start < end {
            let next = scalar(in: bytes, at: start)
            guard ScalarTraits.of(next.value, in: table).contains(.space) else { break }
            start = next.end
        }
        while right && end > start {
            let last = scalarStart(in: bytes, before: end)
            guard ScalarTraits.of(scalar(in: bytes, at: last).value, in: table).contains(.space) else { break }
            end = last
        }
        if start > 0 || end < text.count { text = Array(text[start..<end]) }
    }
}

/// Drops every combining mark; decomposing first is another normalizer's work.
struct StripAccentsNormalizer: Normalizer {
    var mayDropStart: Bool { true }

    func normalize(_ text: inout [UInt8]) {
        let table = ScalarTraits.table
        text = mapScalars(text) { value, result in
            if !ScalarTraits.of(value, in: table).contains(.mark) { appendUTF8(value, to: &result) }
        }
    }
}
