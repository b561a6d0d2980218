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

/// The cleaning of SentencePiece's translation models: control characters go, invisible ones become spaces.
struct NmtNormalizer: Normalizer {
    var mayDropStart: Bool { true }

    func normalize(_ text: inout [UInt8]) {
        text = mapScalars(text) { value, result in
            switch value {
            case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: break
            case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD:
                result.append(UInt8(ascii: " "))
            default: appendUTF8(value, to: &result)
            }
        }
    }
}

/// The text with each scalar replaced by what `body` appends for it.
@inline(__always)
private func mapScalars(_ text: [UInt8], _ body: (_ value: UInt32, _ result: inout [UInt8]) -> Void) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    let bytes = text.span
    var position = 0
    while position < bytes.count {
        let next = scalar(in: bytes, at: position)
        body(next.value, &result)
        position = next.end
    }
    return result
}
