import FoundationEssentials
import ModelFiles
import Testing

@Suite("JSON texts")
struct JSONParserTests {
    private static func parse(_ text: String) throws(JSONError) -> JSONValue {
        try JSONValue(parsing: Array(text.utf8))
    }

    @Test("every kind of value is read")
    func kinds() throws {
        let text = #" {"a":[1,-0,2.5,1e4,10000.0,1e300,true,false,null],"b":{"":"x"},"c":[],"d":{}} "#
        #expect(
            try Self.parse(text)
                == .object([
                    "a": .array([
                        .integer(1), .integer(0), .number(2.5), .integer(10000), .integer(10000), .number(1e300),
                        .boolean(true), .boolean(false), .null,
                    ]), "b": .object(["": .string("x")]), "c": .array([]), "d": .object([:]),
                ]))
        #expect(try Self.parse("9223372036854775807") == .integer(.max))
        #expect(try Self.parse("9223372036854775808") == .number(9_223_372_036_854_775_808))
    }

    @Test("escapes and surrogate pairs give the characters that Foundation gives")
    func strings() throws {
        for text in [
            #""""#, #""plain ü 🦈""#, #""\"\\\/\b\f\n\r\t""#, #""\u00e9\uD83E\uDD88\u0000x""#, #""a\n""#,
            #""\u2028 e\u0301""#,
        ] {
            let expected = try JSONDecoder().decode(String.self, from: Data(text.utf8))
            guard case .string(let value) = try Self.parse(text) else {
                Issue.record("not a string: \(text)")
                continue
            }
            #expect(Array(value.utf8) == Array(expected.utf8))
        }
    }

    @Test(
        "what is not JSON is refused",
        arguments: [
            "", " ", "{", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":1,}", "{a:1}", "01", "1.", "1e", "+1", "-", "1e999",
            "nul",
            "truex", "\"a", "\"\n\"", #""\x""#, #""\u12g4""#, #""\uD800""#, #""\uD800\u0041""#, #""\uDC00""#, "[1]]",
            "{}{}", "'a'", "NaN", "\u{FEFF}1",
        ])
    func malformed(text: String) {
        #expect(throws: JSONError.malformed) { try Self.parse(text) }
    }

    @Test("repeated keys, deep nesting and other encodings are refused by name")
    func named() throws {
        #expect(throws: JSONError.repeatedKey) { try Self.parse(#"{"a":1,"\u0061":1}"#) }
        let limit = JSONValue.depthMax
        let deep = { String(repeating: "[", count: $0) + String(repeating: "]", count: $0) }
        _ = try Self.parse(deep(limit))
        #expect(throws: JSONError.nestedTooDeeply(limit: limit)) { try Self.parse(deep(limit + 1)) }
        #expect(throws: JSONError.nestedTooDeeply(limit: limit)) {
            try Self.parse(String(repeating: "[", count: 1_000_000))
        }
        #expect(throws: JSONError.invalidUTF8) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
        #expect(throws: JSONError.invalidUTF8) { try JSONValue(parsing: [0x31, 0]) }
    }
}
