/// A JSON document of any shape, read strictly: a repeated key or deep nesting is refused.
///
/// In a file from a stranger two members of one name may differ, and another reader of the same bytes may keep the
/// other one.
package enum JSONValue: Hashable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])
}

package enum JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    case invalidUTF8
    case malformed
    case repeatedKey
    case nestedTooDeeply(limit: Int)

    package var description: String {
        switch self {
        case .invalidUTF8: "it is not UTF-8 text"
        case .malformed: "it is not valid JSON"
        case .repeatedKey: "a key stands twice in one object"
        case .nestedTooDeeply(let limit): "it nests deeper than \(limit) levels"
        }
    }
}

extension JSONValue {
    /// Deeper documents are refused before the parser's recursion grows.
    package static let depthMax = 32

    package init(parsing bytes: some Collection<UInt8>) throws(JSONError) {
        let parsed: Result<JSONValue, JSONError>? = bytes.withContiguousStorageIfAvailable { bytes in
            Result { () throws(JSONError) in try JSONParser.parse(bytes) }
        }
        guard let parsed else {
            self = try JSONValue(parsing: Array(bytes))
            return
        }
        self = try parsed.get()
    }

    /// The kind of value in words, for error messages.
    package var kind: String {
        switch self {
        case .null: "null"
        case .boolean: "true or false"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
