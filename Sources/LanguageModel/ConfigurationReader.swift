internal import ModelFiles

/// Typed access to the keys of a `config.json`; every error names the file and the key.
struct ConfigurationReader {
    let file: String
    let members: [String: JSONValue]

    /// Sizes beyond this are a broken file, and would overflow when multiplied.
    static let sizeMax = 1 << 24
    /// More layers than any model has: what is listed for each of them must not fill the memory.
    private static let layersMax = 4_096

    init(file: String, members: [String: JSONValue]) {
        self.file = file
        self.members = members
    }

    init(path: String) throws(ModelError) {
        file = path
        let text: MappedFile
        do { text = try MappedFile(path: path) } catch { throw .unreadable(error) }
        let document: JSONValue
        do { document = try JSONValue(parsing: text.copy()) } catch {
            throw .malformed(file: path, reason: error.description)
        }
        guard case .object(let members) = document else { throw .malformed(file: path, reason: "it is no JSON object") }
        self.members = members
    }

    /// The value, or `nil` where the key is missing or null.
    subscript(key: String) -> JSONValue? {
        members[key].flatMap { $0 == .null ? nil : $0 }
    }

    /// A positive size; `fallback` where the key is missing or null.
    func size(_ key: String, default fallback: Int? = nil) throws(ModelError) -> Int {
        guard let value = self[key] else {
            guard let fallback else { throw .missingKey(file: file, key: key) }
            return fallback
        }
        guard case .integer(let number) = value, (1...Self.sizeMax).contains(number) else {
            throw invalid(key, "a whole number from 1 to \(Self.sizeMax)", value)
        }
        return number
    }

    /// The number of layers.
    func layers(_ key: String, default fallback: Int? = nil) throws(ModelError) -> Int {
        let count = try size(key, default: fallback)
        guard count <= Self.layersMax else {
            throw invalid(key, "a whole number from 1 to \(Self.layersMax)", .integer(count))
        }
        return count
    }

    /// A finite number above 0.
    func positiveNumber(_ key: String, default fallback: Double) throws(ModelError) -> Double {
        try positiveNumber(self[key], key: key) ?? fallback
    }

    func positiveNumber(_ value: JSONValue?, key: String) throws(ModelError) -> Double? {
        switch value {
        case nil, .null?: return nil
        case .integer(let number)? where number > 0: return Double(number)
        case .number(let number)? where number > 0 && number.isFinite: return number
        case let value?: throw invalid(key, "a number above 0", value)
        }
    }

    /// A number from 0 up to, not including, 1.
    func probability(_ key: String, default fallback: Float) throws(ModelError) -> Float {
        switch self[key] {
        case nil: return fallback
        case .integer(0)?: return 0
        case .number(let number)? where (0..<1).contains(number): return Float(number)
        case let value?: throw invalid(key, "a probability below 1", value)
        }
    }

    func boolean(_ key: String, default fallback: Bool) throws(ModelError) -> Bool {
        guard let value = self[key] else { return fallback }
        guard case .boolean(let boolean) = value else { throw invalid(key, "true or false", value) }
        return boolean
    }

    func string(_ key: String) throws(ModelError) -> String? {
        guard let value = self[key] else { return nil }
        guard case .string(let string) = value else { throw invalid(key, "a string", value) }
        return string
    }

    /// A token id, or the first of a list; `nil` where it is null, `fallback` where the key is missing.
    func token(_ key: String, vocabularySize: Int, default fallback: Int32?) throws(ModelError) -> Int32? {
        guard let value = members[key] else { return fallback.flatMap { Int($0) < vocabularySize ? $0 : nil } }
        switch value {
        case .null: return nil
        case .integer(let id) where (0..<vocabularySize).contains(id): return Int32(id)
        case .array(let ids):
            if case .integer(let id)? = ids.first, (0..<vocabularySize).contains(id) { return Int32(id) }
        default: break
        }
        throw invalid(key, "a token id below vocab_size \(vocabularySize), a list of them, or null", value)
    }

    /// Refuses any value but null, a missing key and those in `allowed`.
    func require(_ key: String, in allowed: [JSONValue], supported: String) throws(ModelError) {
        guard let value = self[key], !allowed.contains(value) else { return }
        throw .unsupportedSetting(file: file, key: key, value: Self.text(value), supported: supported)
    }

    func invalid(_ key: String, _ expected: String, _ value: JSONValue) -> ModelError {
        .invalidValue(file: file, key: key, expected: expected, actual: Self.text(value))
    }

    static func text(_ value: JSONValue) -> String {
        switch value {
        case .boolean(let value): value ? "true" : "false"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): "\"\(value)\""
        case .null, .array, .object: value.kind
        }
    }
}
