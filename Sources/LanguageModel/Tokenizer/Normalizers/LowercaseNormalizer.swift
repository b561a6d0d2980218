/// Lower case by the full mapping of each scalar (The Unicode Standard, section 3.13), without regard to context.
struct LowercaseNormalizer: Normalizer {
    private let mapping = LowercaseMapping.shared

    func normalize(_ text: inout [UInt8]) {
        if let first = text.firstIndex(where: { $0 >= 0x80 }) {
            var result: [UInt8] = []
            result.reserveCapacity(text.count)
            for index in 0..<first { result.append(LowercaseMapping.ascii(text[index])) }
            let source = text
            let bytes = source.span
            var position = first
            while position < bytes.count {
                let next = scalar(in: bytes, at: position)
                mapping.append(next.value, to: &result)
                position = next.end
            }
            text = result
        } else {
            for index in text.indices { text[index] = LowercaseMapping.ascii(text[index]) }
        }
    }
}

/// The lower case of every scalar.
struct LowercaseMapping {
    static let shared = LowercaseMapping()

    /// By scalar; `full` marks one with a mapping of several scalars. No letter with case lies beyond.
    private let simple: [UInt32]
    private let several: [UInt32: [UInt32]]
    private static let full = UInt32.max

    private init() {
        var several: [UInt32: [UInt32]] = [:]
        simple = (0..<UInt32(0x20000)).map { value in
            guard let scalar = Unicode.Scalar(value), scalar.isAssigned(inUnicode: 17, 0) else { return value }
            let mapped = scalar.properties.lowercaseMapping.unicodeScalars.map(\.value)
            if mapped.count == 1 { return mapped[0] }
            several[value] = mapped
            return Self.full
        }
        self.several = several
    }

    @inline(__always)
    static func ascii(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }

    /// Appends the lower case of `value` as UTF-8.
    @inline(__always)
    func append(_ value: UInt32, to result: inout [UInt8]) {
        guard Int(value) < simple.count else { return appendUTF8(value, to: &result) }
        let mapped = simple[Int(value)]
        if mapped != Self.full { return appendUTF8(mapped, to: &result) }
        for part in several[value] ?? [] { appendUTF8(part, to: &result) }
    }
}
