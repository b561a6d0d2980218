/// GPT-2's way of writing bytes as printable characters, so that any text is made of known characters.
///
/// Printable ASCII and Latin-1 bytes stand for themselves; the others take U+0100 and up, in order.
/// Source: Radford et al. 2019, `bytes_to_unicode` in the GPT-2 encoder.
enum ByteLevelAlphabet {
    /// The scalar that writes each byte, `[256]`.
    static let scalars: [UInt32] = {
        var free: UInt32 = 0x100
        return (UInt32(0)..<256).map { byte in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return byte
            default:
                free += 1
                return free - 1
            }
        }
    }()

    /// The byte each scalar writes, `[0x144]`; nil for a scalar outside the alphabet.
    private static let bytes: [UInt8?] = {
        var table = [UInt8?](repeating: nil, count: Int(scalars.max() ?? 0) + 1)
        for (byte, scalar) in scalars.enumerated() { table[Int(scalar)] = UInt8(byte) }
        return table
    }()

    /// `bytes` written in the alphabet, as UTF-8.
    static func encode(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        for byte in bytes {
            let scalar = scalars[Int(byte)]
            if scalar < 0x80 {
                result.append(UInt8(scalar))
            } else {
                result.append(UInt8(0xC0 | scalar >> 6))
                result.append(UInt8(0x80 | scalar & 0x3F))
            }
        }
        return result
    }

    /// Appends the bytes that `text` writes, or `text` itself if any of its scalars is outside the alphabet.
    static func decode(_ text: [UInt8], into result: inout [UInt8]) {
        let start = result.count
        let span = text.span
        var position = 0
        while position < span.count {
            let next = scalar(in: span, at: position)
            guard next.value < bytes.count, let byte = bytes[Int(next.value)] else {
                result.removeSubrange(start...)
                result.append(contentsOf: text)
                return
            }
            result.append(byte)
            position = next.end
        }
    }
}
