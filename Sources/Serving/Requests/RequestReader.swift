internal import HTTPTypes
internal import ModelFiles

/// Reads the fields of a request's JSON object; what is wrong is said by the field's name.
///
/// `null` counts as a field that is not there, as OpenAI's API has it.
struct RequestReader {
    let members: [String: JSONValue]

    init(_ bytes: some Collection<UInt8>) throws(RequestProblem) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw RequestProblem(.badRequest, "the body cannot be read: \(error)", code: "invalid_json")
        }
        guard case .object(let members) = value else {
            throw RequestProblem(.badRequest, "the body must be a JSON object, not \(value.kind)", code: "invalid_json")
        }
        self.members = members
    }

    subscript(_ name: String) -> JSONValue? {
        guard let value = members[name], value != .null else { return nil }
        return value
    }

    func boolean(_ name: String) throws(RequestProblem) -> Bool? {
        guard let value = self[name] else { return nil }
        guard case .boolean(let flag) = value else { throw Self.wrongKind(name, "true or false", value) }
        return flag
    }

    func string(_ name: String) throws(RequestProblem) -> String? {
        guard let value = self[name] else { return nil }
        guard case .string(let text) = value else { throw Self.wrongKind(name, "a string", value) }
        return text
    }

    func integer(_ name: String, in range: ClosedRange<Int> = Int.min...Int.max) throws(RequestProblem) -> Int? {
        guard let value = self[name] else { return nil }
        guard case .integer(let number) = value else { throw Self.wrongKind(name, "a whole number", value) }
        guard range.contains(number) else {
            throw .value(name, "it must be from \(range.lowerBound) to \(range.upperBound), not \(number)")
        }
        return number
    }

    func number(_ name: String, in range: ClosedRange<Double>) throws(RequestProblem) -> Double? {
        guard let value = self[name] else { return nil }
        let number: Double
        switch value {
        case .integer(let whole): number = Double(whole)
        case .number(let fraction): number = fraction
        default: throw Self.wrongKind(name, "a number", value)
        }
        guard range.contains(number) else {
            throw .value(name, "it must be from \(range.lowerBound) to \(range.upperBound), not \(number)")
        }
        return number
    }

    /// Refuses what would change the answer and is not supported, rather than answering something else.
    func refuse(_ name: String, unless isHarmless: (JSONValue) -> Bool, _ reason: String) throws(RequestProblem) {
        guard let value = self[name], !isHarmless(value) else { return }
        throw .value(name, reason, code: "unsupported_value")
    }

    static func wrongKind(_ name: String, _ expected: String, _ value: JSONValue) -> RequestProblem {
        .value(name, "it must be \(expected), not \(value.kind)", code: "invalid_type")
    }
}
