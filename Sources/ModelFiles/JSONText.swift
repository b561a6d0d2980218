/// Writes a ``JSONValue``: keys in ascending UTF-8 order, so that equal values give equal bytes.
package enum JSONText {
    package enum Layout: Sendable {
        /// One line, no spaces; characters outside ASCII as they are.
        case compact
        /// Python's `json.dumps(indent=2, sort_keys=True)`: two spaces a level, everything outside ASCII escaped.
        case indented
    }

    package static func encode(_ value: JSONValue, layout: Layout = .compact) -> [UInt8] {
        var text: [UInt8] = []
        append(value, layout: layout, level: 0, to: &text)
        return text
    }

    private static func append(_ value: JSONValue, layout: Layout, level: Int, to text: inout [UInt8]) {
        switch value {
        case .null: text += Array("null".utf8)
        case .boolean(let value): text += Array((value ? "true" : "false").utf8)
        case .integer(let value): text += Array(String(value).utf8)
        case .number(let value):
            precondition(value.isFinite, "JSON has no \(value)")
            text += Array(value.description.utf8)
        case .string(let value): appendString(value, ascii: layout == .indented, to: &text)
        case .array(let values):
            appendList(values.count, brackets: ("[", "]"), layout: layout, level: level, to: &text) { index, text in
                append(values[index], layout: layout, level: level + 1, to: &text)
            }
        case .object(let members):
            let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            appendList(sorted.count, brackets: ("{", "}"), layout: layout, level: level, to: &text) { index, text in
                appendString(sorted[index].key, ascii: layout == .indented, to: &text)
                text += layout == .indented ? Array(": ".utf8) : [UInt8(ascii: ":")]
                append(sorted[index].value, layout: layout, level: level + 1, to: &text)
            }
        }
    }

    private static func appendList(
        _ count: Int, brackets: (open: Unicode.Scalar, close: Unicode.Scalar), layout: Layout, level: Int,
        to text: inout [UInt8], element: (Int, inout [UInt8]) -> Void
    ) {
        let newline = { (level: Int) in [UInt8(ascii: "\n")] + [UInt8](repeating: UInt8(ascii: " "), count: 2 * level) }
        text.append(UInt8(ascii: brackets.open))
        for index in 0..<count {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            if layout == .indented { text += newline(level + 1) }
            element(index, &text)
        }
        if layout == .indented, count > 0 { text += newline(level) }
        text.append(UInt8(ascii: brackets.close))
    }

    /// Appends a quoted string with the shortest escapes of RFC 8259.
    package static func appendString(_ string: String, ascii: Bool = false, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "\""))
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += Array("\\\"".utf8)
            case "\\": text += Array("\\\\".utf8)
            case "\n": text += Array("\\n".utf8)
            case "\r": text += Array("\\r".utf8)
            case "\t": text += Array("\\t".utf8)
            case "\u{8}": text += Array("\\b".utf8)
            case "\u{c}": text += Array("\\f".utf8)
            case _ where scalar.value < 0x20 || (ascii && scalar.value > 0x7E):
                for unit in UTF16.encode(scalar) ?? .init() { appendEscape(unit, to: &text) }
            default: text += Array(UTF8.encode(scalar) ?? .init())
            }
        }
        text.append(UInt8(ascii: "\""))
    }

    private static func appendEscape(_ unit: UInt16, to text: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        text += Array("\\u".utf8)
        for shift in [12, 8, 4, 0] { text.append(digits[Int(unit >> UInt16(shift)) & 15]) }
    }
}
