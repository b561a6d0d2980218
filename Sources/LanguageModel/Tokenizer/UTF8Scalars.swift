// Decoding over bytes that are known to be valid UTF-8: they come from a Swift string or from the JSON reader, which
// validated them. Iterating `String.unicodeScalars` at byte positions would cost an index conversion each time.

/// The length in bytes of the UTF-8 sequence that `first` starts; 1 for a continuation byte.
@inline(__always)
func utf8Length(startingWith first: UInt8) -> Int {
    if first < 0xC0 { return 1 }
    if first < 0xE0 { return 2 }
    return first < 0xF0 ? 3 : 4
}

/// One decoded scalar and the position after it.
struct ScalarAt {
    let value: UInt32
    let end: Int
}

/// Decodes the scalar that starts at `position`. `bytes` must be valid UTF-8 and `position` a scalar's first byte.
@inline(__always)
func scalar(in bytes: Span<UInt8>, at position: Int) -> ScalarAt {
    let first = UInt32(bytes[position])
    if first < 0x80 { return ScalarAt(value: first, end: position + 1) }
    let second = UInt32(bytes[position + 1]) & 0x3F
    if first < 0xE0 { return ScalarAt(value: (first & 0x1F) << 6 | second, end: position + 2) }
    let third = UInt32(bytes[position + 2]) & 0x3F
    if first < 0xF0 { return ScalarAt(value: (first & 0x0F) << 12 | second << 6 | third, end: position + 3) }
    let fourth = UInt32(bytes[position + 3]) & 0x3F
    return ScalarAt(value: (first & 0x07) << 18 | second << 12 | third << 6 | fourth, end: position + 4)
}

/// The position of the scalar that ends before `position`. `position` must be greater than 0.
@inline(__always)
func scalarStart(in bytes: Span<UInt8>, before position: Int) -> Int {
    var start = position - 1
    while start > 0 && bytes[start] & 0xC0 == 0x80 { start -= 1 }
    return start
}

/// Whether `pattern` stands at `position`, entirely before `end`.
@inline(__always)
func matches(_ pattern: Span<UInt8>, in bytes: Span<UInt8>, at position: Int, before end: Int) -> Bool {
    guard end - position >= pattern.count else { return false }
    for offset in pattern.indices where bytes[position + offset] != pattern[offset] { return false }
    return true
}

/// Appends `value`, a Unicode scalar, as UTF-8.
@inline(__always)
func appendUTF8(_ value: UInt32, to bytes: inout [UInt8]) {
    if value < 0x80 {
        bytes.append(UInt8(truncatingIfNeeded: value))
    } else if value < 0x800 {
        bytes.append(UInt8(truncatingIfNeeded: 0xC0 | value >> 6))
        bytes.append(UInt8(truncatingIfNeeded: 0x80 | value & 0x3F))
    } else if value < 0x10000 {
        bytes.append(UInt8(truncatingIfNeeded: 0xE0 | value >> 12))
        bytes.append(UInt8(truncatingIfNeeded: 0x80 | value >> 6 & 0x3F))
        bytes.append(UInt8(truncatingIfNeeded: 0x80 | value & 0x3F))
    } else {
        bytes.append(UInt8(truncatingIfNeeded: 0xF0 | value >> 18))
        bytes.append(UInt8(truncatingIfNeeded: 0x80 | value >> 12 & 0x3F))
        bytes.append(UInt8(truncatingIfNeeded: 0x80 | value >> 6 & 0x3F))
        bytes.append(UInt8(truncatingIfNeeded: 0x80 | value & 0x3F))
    }
}

/// The text with each scalar replaced by what `body` appends for it.
@inline(__always)
func mapScalars(_ text: [UInt8], _ body: (_ value: UInt32, _ result: inout [UInt8]) -> Void) -> [UInt8] {
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
