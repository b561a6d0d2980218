/// A strict JSON reader (RFC 8259) over bytes, bounded in depth, that never traps on hostile input.
///
/// Like `serde_json`, it refuses lone surrogates: they have no UTF-8 form.
struct JSONParser {
    private let bytes: [UInt8]
    private let file: String
    private var position = 0

    /// Deeper nesting than any tokenizer has; it bounds the parser's own recursion.
    private static let maximumDepth = 64

    private init(_ bytes: [UInt8], file: String) {
        self.bytes = bytes
        self.file = file
    }

    /// Parses one document that fills `bytes`. `file` names it in errors.
    static func parse(_ bytes: [UInt8], file: String) throws(TokenizerError) -> RawJSON {
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            throw .malformedJSON(file: file, offset: error.byteOffsets.lowerBound, reason: "the text is not UTF-8")
        }
        var parser = JSONParser(bytes, file: file)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.position == bytes.count else { throw parser.failure("something follows the document") }
        return value
    }

    private func failure(_ reason: String) -> TokenizerError {
        .malformedJSON(file: file, offset: position, reason: reason)
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func value(depth: Int) throws(TokenizerError) -> RawJSON {
        guard depth < Self.maximumDepth else { throw failure("nested deeper than \(Self.maximumDepth) levels") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .boolean(true))
        case UInt8(ascii: "f"): return try literal("false", .boolean(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case nil: throw failure("the file ends in the middle")
        default: return try number()
        }
    }

    private mutating func literal(_ word: StaticString, _ value: RawJSON) throws(TokenizerError) -> RawJSON {
        let matches = word.withUTF8Buffer { letters in
            bytes.count - position >= letters.count && bytes[position..<position + letters.count].elementsEqual(letters)
        }
        guard matches else { throw failure("unexpected character") }
        position += word.utf8CodeUnitCount
        return value
    }

    private mutating func object(depth: Int) throws(TokenizerError) -> RawJSON {
        position += 1
        var members: [RawJSON.Member] = []
        skipSpace()
        if next == UInt8(ascii: "}") {
            position += 1
            return .object(members)
        }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw failure("expected a member's name") }
            let name = try string()
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw failure("expected ':'") }
            position += 1
            members.append(RawJSON.Member(name: name, value: try value(depth: depth + 1)))
            if try endsList(with: UInt8(ascii: "}")) { return .object(members) }
        }
    }

    private mutating func array(depth: Int) throws(TokenizerError) -> RawJSON {
        position += 1
        var elements: [RawJSON] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            position += 1
            return .array(elements)
        }
        while true {
            elements.append(try value(depth: depth + 1))
            if try endsList(with: UInt8(ascii: "]")) { return .array(elements) }
        }
    }

    private mutating func endsList(with close: UInt8) throws(TokenizerError) -> Bool {
        skipSpace()
        guard let byte = next else { throw failure("the file ends in the middle") }
        guard byte == close || byte == UInt8(ascii: ",") else { throw failure("expected ',' or a closing bracket") }
        position += 1
        return byte == close
    }

    private mutating func digits() -> Int {
        let start = position
        while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
        return position - start
    }

    private mutating func number() throws(TokenizerError) -> RawJSON {
        let start = position
        if next == UInt8(ascii: "-") { position += 1 }
        let leadingZero = next == UInt8(ascii: "0")
        let count = digits()
        guard count == 1 || (count > 1 && !leadingZero) else { throw failure("unexpected character") }
        var isInteger = true
        if next == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            guard digits() > 0 else { throw failure("a number's fraction lacks digits") }
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            isInteger = false
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            guard digits() > 0 else { throw failure("a number's exponent lacks digits") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let integer = Int(text) { return .integer(integer) }
        guard let real = Double(text), real.isFinite else { throw failure("a number is too large") }
        return .real(real)
    }

    private mutating func string() throws(TokenizerError) -> [UInt8] {
        position += 1
        var result: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return result
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &result)
            case 0..<0x20:
                throw failure("a control character inside a string")
            default:
                result.append(byte)
                position += 1
            }
        }
        throw failure("the file ends inside a string")
    }

    private mutating func escape(into result: inout [UInt8]) throws(TokenizerError) {
        guard let byte = next else { throw failure("the file ends inside a string") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(byte)
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0C)
        case UInt8(ascii: "n"): result.append(0x0A)
        case UInt8(ascii: "r"): result.append(0x0D)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "u"):
            var value = try hexadecimalUnit()
            if value & 0xFC00 == 0xD800 {
                guard next == UInt8(ascii: "\\") else { throw failure("a lone surrogate in a \\u escape") }
                position += 1
                guard next == UInt8(ascii: "u") else { throw failure("a lone surrogate in a \\u escape") }
                position += 1
                let low = try hexadecimalUnit()
                guard low & 0xFC00 == 0xDC00 else { throw failure("a lone surrogate in a \\u escape") }
                value = 0x10000 + (value & 0x3FF) << 10 + low & 0x3FF
            }
            guard let scalar = Unicode.Scalar(value) else { throw failure("a lone surrogate in a \\u escape") }
            result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        default: throw failure("an unknown escape in a string")
        }
    }

    private mutating func hexadecimalUnit() throws(TokenizerError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("a \\u escape lacks its four digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
