/// The tokens that a word starts from, before any merge: one for each byte or scalar, or what stands in for it.
struct SymbolTable {
    private let isByteLevel: Bool
    /// By byte, or by scalar below U+0100; -1 where the vocabulary has none.
    private var narrow = [Int32](repeating: -1, count: 256)
    /// By scalar from U+0100 on; empty in byte-level models.
    private var wide: [UInt32: Int32] = [:]
    /// The tokens `<0x00>` to `<0xFF>`, -1 where missing; nil without byte fallback.
    private let byteTokens: [Int32]?
    private let unknown: Int32?
    private let fusesUnknown: Bool

    /// - Parameter field: The `model` object.
    init(_ field: JSONField, vocabulary: Vocabulary, isByteLevel: Bool) throws(TokenizerError) {
        self.isByteLevel = isByteLevel
        fusesUnknown = try field.flag("fuse_unk", default: false)
        byteTokens = try field.flag("byte_fallback", default: false) ? vocabulary.byteTokens : nil
        let unknownToken = try field.optional("unk_token")
        let unknownText = try unknownToken?.bytes()
        unknown = unknownText.flatMap(vocabulary.id(of:))
        if isByteLevel {
            for byte in 0..<256 {
                narrow[byte] = vocabulary.id(of: ByteLevelAlphabet.encode(CollectionOfOne(UInt8(byte)))) ?? -1
            }
        } else {
            readScalars(vocabulary)
        }
        if let unknownToken, let unknownText, unknown == nil {
            // Many byte-level files name an unknown token they cannot need.
            let complete = isByteLevel ? narrow : byteTokens ?? [-1]
            guard complete.allSatisfy({ $0 >= 0 }) else {
                throw unknownToken.invalid("names \(quoted(unknownText)), which the vocabulary lacks")
            }
        }
    }

    private mutating func readScalars(_ vocabulary: Vocabulary) {
        var narrow = narrow
        var wide = wide
        vocabulary.forEach { text, id in
            guard let first = text.first, text.count == utf8Length(startingWith: first) else { return }
            let value = scalar(in: text.span, at: 0).value
            if value < 256 { narrow[Int(value)] = id } else { wide[value] = id }
        }
        self.narrow = narrow
        self.wide = wide
    }

    /// Whether the vocabulary has the scalar itself.
    func hasScalar(_ value: UInt32) -> Bool {
        !isByteLevel && (value < 256 ? narrow[Int(value)] >= 0 : wide[value] != nil)
    }

    /// Appends the symbols of one word.
    func append(_ word: Range<Int>, of bytes: Span<UInt8>, to symbols: inout [Int32]) {
        var pendingUnknown = false
        var position = word.lowerBound
        while position < word.upperBound {
            let id: Int32
            let start = position
            if isByteLevel {
                id = narrow[Int(bytes[position])]
                position += 1
            } else {
                let next = scalar(in: bytes, at: position)
                id = next.value < 256 ? narrow[Int(next.value)] : wide[next.value] ?? -1
                position = next.end
            }
            if id >= 0 {
                if pendingUnknown, let unknown { symbols.append(unknown) }
                pendingUnknown = false
                symbols.append(id)
            } else if !appendByteTokens(of: start..<position, bytes, to: &symbols), let unknown {
                // An unknown symbol waits for the next known one, byte tokens in between overtake it: so it is in
                // `tokenizers`, where it lets a run of unknown symbols fuse.
                if pendingUnknown && !fusesUnknown { symbols.append(unknown) }
                pendingUnknown = true
            }
        }
        if pendingUnknown, let unknown { symbols.append(unknown) }
    }

    /// Appends the byte tokens of one symbol; false if byte fallback is off or any of them is missing.
    private func appendByteTokens(of symbol: Range<Int>, _ bytes: Span<UInt8>, to symbols: inout [Int32]) -> Bool {
        guard let byteTokens else { return false }
        let count = symbols.count
        let symbolBytes = symbol.map { bytes[$0] }
        // A byte-level model knows the symbol only by the character that writes it.
        for byte in isByteLevel ? ByteLevelAlphabet.encode(symbolBytes) : symbolBytes {
            let token = byteTokens[Int(byte)]
            guard token >= 0 else {
                symbols.removeSubrange(count...)
                return false
            }
            symbols.append(token)
        }
        return true
    }
}
