/// A value inside `tokenizer.json` together with its path, so that every refusal names the field.
struct JSONField {
    let value: RawJSON
    let path: String
    let file: String

    func invalid(_ reason: String) -> TokenizerError {
        .invalidField(file: file, field: path.isEmpty ? "the document" : path, reason: reason)
    }

    func unsupported(_ name: String, supported: String) -> TokenizerError {
        .unsupported(file: file, field: path.isEmpty ? "the document" : path, name: name, supported: supported)
    }

    private func child(_ value: RawJSON, _ step: String) -> JSONField {
        JSONField(value: value, path: path.isEmpty || step.hasPrefix("[") ? path + step : "\(path).\(step)", file: file)
    }

    /// The member called `name`, or nil if it is absent or null.
    func optional(_ name: String) throws(TokenizerError) -> JSONField? {
        guard case .object(let members) = value else { throw invalid("is \(value.kind) where an object belongs") }
        var found: RawJSON?
        for member in members where member.name.elementsEqual(name.utf8) {
            guard found == nil else { throw invalid("has \(name) twice") }
            found = member.value
        }
        switch found {
        case nil, .null: return nil
        case .some(let value): return child(value, name)
        }
    }

    func required(_ name: String) throws(TokenizerError) -> JSONField {
        guard let field = try optional(name) else { throw invalid("lacks \(name)") }
        return field
    }

    func elements() throws(TokenizerError) -> [JSONField] {
        guard case .array(let values) = value else { throw invalid("is \(value.kind) where an array belongs") }
        return values.enumerated().map { child($0.element, "[\($0.offset)]") }
    }

    func members() throws(TokenizerError) -> [RawJSON.Member] {
        guard case .object(let members) = value else { throw invalid("is \(value.kind) where an object belongs") }
        return members
    }

    /// The string's UTF-8 bytes.
    func bytes() throws(TokenizerError) -> [UInt8] {
        guard case .string(let bytes) = value else { throw invalid("is \(value.kind) where a string belongs") }
        return bytes
    }

    func text() throws(TokenizerError) -> String {
        String(decoding: try bytes(), as: UTF8.self)
    }

    /// A string of exactly one Unicode scalar, as UTF-8.
    func scalarBytes() throws(TokenizerError) -> [UInt8] {
        let bytes = try bytes()
        guard let first = bytes.first, bytes.count == utf8Length(startingWith: first) else {
            throw invalid("must be one character")
        }
        return bytes
    }

    func boolean() throws(TokenizerError) -> Bool {
        guard case .boolean(let flag) = value else { throw invalid("is \(value.kind) where a boolean belongs") }
        return flag
    }

    func count() throws(TokenizerError) -> Int {
        guard case .integer(let number) = value, number >= 0 else { throw invalid("must be an integer of at least 0") }
        return number
    }

    func number() throws(TokenizerError) -> Double {
        switch value {
        case .integer(let number): return Double(number)
        case .real(let number): return number
        default: throw invalid("is \(value.kind) where a number belongs")
        }
    }

    /// A token id; see ``Vocabulary/maximumID``.
    func tokenID() throws(TokenizerError) -> Int32 {
        guard case .integer(let number) = value, let id = Vocabulary.id(number) else {
            throw invalid("must be a token id from 0 to \(Vocabulary.maximumID)")
        }
        return id
    }

    /// Refuses what could blow up a text.
    func checkGrowth(_ growth: Double) throws(TokenizerError) {
        guard growth <= maximumTextGrowth else {
            throw invalid("may make a text more than \(Int(maximumTextGrowth)) times as long")
        }
    }

    /// The flag called `name`, or `standard` where the file leaves it out.
    func flag(_ name: String, default standard: Bool) throws(TokenizerError) -> Bool {
        try optional(name)?.boolean() ?? standard
    }
}

/// Shortens bytes from a file for a message: a hostile token may be megabytes long.
func quoted(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes.prefix(48), as: UTF8.self).debugDescription
    return bytes.count > 48 ? "\(text)…" : text
}
