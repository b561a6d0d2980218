/// Base64 with padding (RFC 4648, section 4).
enum Base64 {
    static func decode(_ text: [UInt8]) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(text.count / 4 * 3)
        let padding = text.suffix(2).count { $0 == UInt8(ascii: "=") }
        var buffer: UInt32 = 0
        for (index, byte) in text.dropLast(padding).enumerated() {
            guard let value = value(byte) else { return nil }
            buffer = buffer << 6 | value
            // Four characters are three bytes.
            if index % 4 == 0 { continue }
            result.append(UInt8(truncatingIfNeeded: buffer >> [0, 4, 2, 0][index % 4]))
        }
        return result
    }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte) - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte) - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte) + 4
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
