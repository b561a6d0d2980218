/// Numbers as YAML 1.2 and JSON both write them: no octal, hexadecimal, underscores, infinity or NaN.
enum NumberText {
    static func integer(_ text: String) -> Int? {
        let digits = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        // YAML 1.1 reads a leading 0 as octal: whatever was meant, it is not sure.
        guard digits == "0" || digits.first != "0" else { return nil }
        return Int(text)
    }

    static func number(_ text: String) -> Double? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) || "+-.eE".utf8.contains($0) }),
            let value = Double(text), value.isFinite
        else { return nil }
        return value
    }
}
