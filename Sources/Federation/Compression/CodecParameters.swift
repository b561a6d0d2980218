/// Reads a codec's parameters, each at most once, and refuses those that nobody asked for.
struct CodecParameters {
    private let name: CodecName
    private var unread: [String: String]

    init(_ name: CodecName) {
        self.name = name
        unread = name.parameters
    }

    /// A whole number.
    mutating func integer(_ key: String, in range: ClosedRange<Int>, default value: Int) throws(CodecError) -> Int {
        guard let text = unread.removeValue(forKey: key) else { return value }
        guard let number = Int(text), range.contains(number), text == "\(number)" else {
            throw invalid(key, text, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A fraction, above 0 and at most 1.
    mutating func fraction(_ key: String, default value: Double) throws(CodecError) -> Double {
        guard let text = unread.removeValue(forKey: key) else { return value }
        guard let number = Double(text), number > 0, number <= 1 else {
            throw invalid(key, text, "a number above 0 and at most 1")
        }
        return number
    }

    /// A number.
    mutating func number(
        _ key: String, in range: ClosedRange<Double>, default value: Double
    ) throws(CodecError) -> Double {
        guard let text = unread.removeValue(forKey: key) else { return value }
        guard let number = Double(text), range.contains(number) else {
            throw invalid(key, text, "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// One of a type's words.
    mutating func word<Word: RawRepresentable<String> & CaseIterable>(
        _ key: String, default value: Word
    ) throws(CodecError) -> Word {
        guard let text = unread.removeValue(forKey: key) else { return value }
        guard let word = Word(rawValue: text) else {
            throw invalid(key, text, "one of " + Word.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return word
    }

    /// - Throws: ``CodecError/unknownParameter(codec:parameter:)`` if one was never read.
    func finish() throws(CodecError) {
        if let parameter = unread.keys.min() { throw .unknownParameter(codec: name.name, parameter: parameter) }
    }

    private func invalid(_ key: String, _ text: String, _ expected: String) -> CodecError {
        .invalidParameter(codec: name.name, parameter: key, value: text, expected: expected)
    }
}
