internal import FoundationEssentials

/// A JSON document of any shape, read strictly: a repeated key or deep nesting is refused.
///
/// Foundation's decoder keeps one of two equal keys in silence; in a file from a stranger the two may differ, and
/// another reader of the same bytes may keep the other one.
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
    /// Deeper documents are refused before the recursive decoder sees them.
    package static let depthMax = 32

    package init(parsing bytes: some Collection<UInt8>) throws(JSONError) {
        let bytes = Array(bytes)
        // The decoder would also guess UTF-16 and UTF-32 from zero bytes and marks; those stand in no UTF-8 JSON.
        guard String(validating: bytes, as: UTF8.self) != nil, !bytes.contains(0) else { throw .invalidUTF8 }
        let scan = Self.scan(bytes)
        guard scan.depth <= Self.depthMax else { throw .nestedTooDeeply(limit: Self.depthMax) }
        do {
            self = try JSONDecoder().decode(JSONValue.self, from: Data(bytes))
        } catch {
            throw .malformed
        }
        guard keyCount == scan.keys else { throw .repeatedKey }
    }

    /// Nesting depth, and how many keys a well-formed text has: the colons outside its strings.
    private static func scan(_ bytes: [UInt8]) -> (depth: Int, keys: Int) {
        var depth = 0
        var deepest = 0
        var keys = 0
        var inString = false
        var escaped = false
        for byte in bytes {
            if inString {
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): inString = true
            case UInt8(ascii: ":"): keys += 1
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
        return (deepest, keys)
    }

    private var keyCount: Int {
        switch self {
        case .array(let values): values.reduce(0) { $0 + $1.keyCount }
        case .object(let members): members.values.reduce(members.count) { $0 + $1.keyCount }
        default: 0
        }
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

extension JSONValue: Decodable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // The frequent kinds first: each wrong guess costs a thrown error.
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode([String: JSONValue].self) {
            self = .object(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else {
            self = .boolean(try container.decode(Bool.self))
        }
    }
}
