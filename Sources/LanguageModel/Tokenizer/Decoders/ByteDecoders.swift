/// Turns the characters of the byte-level alphabet back into bytes; what is not UTF-8 becomes U+FFFD.
struct ByteLevelDecoder: TokenDecoder {
    func decode(_ texts: [[UInt8]]) -> [[UInt8]] {
        var bytes: [UInt8] = []
        for text in texts { ByteLevelAlphabet.decode(text, into: &bytes) }
        return [Array(String(decoding: bytes, as: UTF8.self).utf8)]
    }
}

/// Turns runs of tokens `<0x00>` to `<0xFF>` into the text they spell, or into one U+FFFD a byte if that is not UTF-8.
struct ByteFallbackDecoder: TokenDecoder {
    func decode(_ texts: [[UInt8]]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        var run: [UInt8] = []
        for text in texts {
            if let byte = Self.byte(text) {
                run.append(byte)
            } else {
                Self.flush(&run, to: &result)
                result.append(text)
            }
        }
        Self.flush(&run, to: &result)
        return result
    }

    private static func flush(_ run: inout [UInt8], to result: inout [[UInt8]]) {
        if run.isEmpty { return }
        if String(validating: run, as: UTF8.self) != nil {
            result.append(run)
        } else {
            result.append(contentsOf: repeatElement(Array("\u{FFFD}".utf8), count: run.count))
        }
        run = []
    }

    private static func byte(_ text: [UInt8]) -> UInt8? {
        guard text.count == 6, text.starts(with: "<0x".utf8), text[5] == UInt8(ascii: ">") else { return nil }
        return UInt8(String(decoding: text[3..<5], as: UTF8.self), radix: 16)
    }
}
