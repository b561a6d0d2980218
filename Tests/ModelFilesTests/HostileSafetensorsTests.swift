import ModelFiles
import Testing

/// Files built byte by byte, each wrong in one way.
@Suite("Refusing malformed safetensors")
struct HostileSafetensorsTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        let expected: SafetensorsError

        init(_ description: String, header: String, data: Int = 16, _ expected: SafetensorsError) {
            self.init(description, file(header: Array(header.utf8), data: data), expected)
        }

        init(_ description: String, _ bytes: [UInt8], _ expected: SafetensorsError) {
            self.testDescription = description
            self.bytes = bytes
            self.expected = expected
        }
    }

    static func file(header: [UInt8], stated: UInt64? = nil, data: Int = 16) -> [UInt8] {
        let size = stated ?? UInt64(header.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: size >> (8 * UInt64($0))) } + header
            + [UInt8](repeating: 1, count: data)
    }

    static func tensor(_ name: String, _ begin: Int, _ end: Int, shape: String = "[4]", type: String = "F32") -> String
    {
        #""\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":[\#(begin),\#(end)]}"#
    }

    static let whole = "{" + tensor("a", 0, 16) + "}"

    static func malformed(_ reason: String) -> SafetensorsError { .malformedHeader(file: "f", reason: reason) }
    static func malformedTensor(_ reason: String) -> SafetensorsError {
        .malformedTensor(file: "f", tensor: "a", reason: reason)
    }

    static let badShape = malformedTensor("its shape must be a list of sizes from 0 up")
    static let badOffsets = malformedTensor("its data_offsets must be two ascending positions from 0 up")

    static let sizes: [Case] = [
        Case("empty", [], .truncatedHeader(file: "f", expected: 8, actual: 0)),
        Case("seven bytes", [1, 0, 0, 0, 0, 0, 0], .truncatedHeader(file: "f", expected: 8, actual: 7)),
        Case(
            "cut within the header", Array(file(header: Array(whole.utf8)).prefix(20)),
            .truncatedHeader(file: "f", expected: 8 + whole.utf8.count, actual: 20)),
        Case(
            "cut within the data", file(header: Array(whole.utf8), data: 15),
            .truncated(file: "f", tensor: "a", expected: 8 + whole.utf8.count + 16, actual: 8 + whole.utf8.count + 15)),
        Case(
            "a header size of 2^64 - 1", file(header: Array(whole.utf8), stated: .max),
            .headerTooLarge(file: "f", bytes: .max, limit: 100_000_000)),
        Case(
            "a header one byte over the limit", file(header: Array(whole.utf8), stated: 100_000_001),
            .headerTooLarge(file: "f", bytes: 100_000_001, limit: 100_000_000)),
        Case(
            "a header within the limit and beyond the file", file(header: [], stated: 100_000_000, data: 0),
            .truncatedHeader(file: "f", expected: 100_000_008, actual: 8)),
    ]

    static let headers: [Case] = [
        Case("an empty header", header: "", malformed("it does not start with {")),
        Case("a list", header: "[]", malformed("it does not start with {")),
        Case("leading space", header: " {}", malformed("it does not start with {")),
        Case("cut JSON", header: #"{"a":"#, malformed("it is not valid JSON")),
        Case("two documents", header: "{}{}", data: 0, malformed("it is not valid JSON")),
        Case(
            "bytes that are not UTF-8", file(header: [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D]),
            malformed("it is not UTF-8 text")),
        Case(
            "UTF-16", file(header: [0x7B, 0, 0x7D, 0], data: 0), malformed("it is not UTF-8 text")),
        Case(
            "a name twice", header: "{" + tensor("a", 0, 16) + "," + tensor("a", 0, 16) + "}",
            malformed("a key stands twice in one object")),
        Case(
            "a name twice, once escaped", header: "{" + tensor("a", 0, 16) + "," + tensor("\\u0061", 0, 16) + "}",
            malformed("a key stands twice in one object")),
        Case(
            "offsets twice",
            header: #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,0],"data_offsets":[0,16]}}"#,
            malformed("a key stands twice in one object")),
        Case(
            "nesting without end", header: "{\"a\":" + String(repeating: "[", count: 100_000),
            malformed("it nests deeper than 32 levels")),
        Case(
            "metadata with a number", header: #"{"__metadata__":{"n":1}}"#, data: 0,
            malformed("__metadata__ holds a number; strings only may stand there")),
        Case(
            "metadata as text", header: #"{"__metadata__":"n"}"#, data: 0,
            malformed("__metadata__ is a string, not an object")),
    ]

    static let tensors: [Case] = [
        Case(
            "a number for a tensor", header: #"{"a":1}"#, malformedTensor("its description is a number, not an object")),
        Case("no dtype", header: #"{"a":{"shape":[4],"data_offsets":[0,16]}}"#, malformedTensor("it has no dtype")),
        Case(
            "an unknown dtype", header: "{" + tensor("a", 0, 16, type: "F31") + "}",
            .unknownElementType(file: "f", tensor: "a", type: "F31")),
        Case("no shape", header: #"{"a":{"dtype":"F32","data_offsets":[0,16]}}"#, badShape),
        Case("a negative size", header: "{" + tensor("a", 0, 16, shape: "[-4]") + "}", badShape),
        Case("two negative sizes", header: "{" + tensor("a", 0, 16, shape: "[-2,-2]") + "}", badShape),
        Case("a fractional size", header: "{" + tensor("a", 0, 16, shape: "[4.5]") + "}", badShape),
        Case(
            "a size beyond 64 bits", header: "{" + tensor("a", 0, 16, shape: "[18446744073709551620]") + "}", badShape),
        Case(
            "a shape whose product wraps to 4",
            header: "{" + tensor("a", 0, 16, shape: "[4611686018427387905,4]") + "}",
            malformedTensor("its shape [4611686018427387905, 4] has too many values")),
        Case(
            "a byte count that wraps to 16", header: "{" + tensor("a", 0, 16, shape: "[4611686018427387908]") + "}",
            malformedTensor("its shape [4611686018427387908] has too many values")),
        Case("a negative offset", header: "{" + tensor("a", -16, 0) + "}", badOffsets),
        Case("descending offsets", header: "{" + tensor("a", 16, 0) + "}", badOffsets),
        Case("three offsets", header: #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,8,16]}}"#, badOffsets),
        Case(
            "a shape larger than its bytes", header: "{" + tensor("a", 0, 16, shape: "[5]") + "}",
            .sizeMismatch(file: "f", tensor: "a", expected: 20, actual: 16)),
        Case(
            "a type narrower than its bytes", header: "{" + tensor("a", 0, 16, type: "BF16") + "}",
            .sizeMismatch(file: "f", tensor: "a", expected: 8, actual: 16)),
    ]

    static let far = 9_223_372_036_854_775_792  // 2^63 - 16
    static let pair = "{" + tensor("a", 0, 16) + "," + tensor("b", 8, 24) + "}"
    static let outside = "{" + tensor("a", 0, 16) + "," + tensor("b", 1600, 1616) + "}"

    static let places: [Case] = [
        Case("overlapping tensors", header: pair, data: 24, .overlap(file: "f", tensor: "b", other: "a")),
        Case(
            "two tensors in one place", header: "{" + tensor("b", 0, 16) + "," + tensor("a", 0, 16) + "}",
            .overlap(file: "f", tensor: "b", other: "a")),
        Case(
            "a tensor outside the file", header: outside,
            .truncated(
                file: "f", tensor: "b", expected: 8 + outside.utf8.count + 1616, actual: 8 + outside.utf8.count + 16)),
        Case(
            "a place whose end would overflow",
            header: "{" + tensor("a", far, far + 15, shape: "[15]", type: "U8") + "}",
            .truncated(
                file: "f", tensor: "a", expected: .max,
                actual: 8 + 16 + ("{" + tensor("a", far, far + 15, shape: "[15]", type: "U8") + "}").utf8.count)),
        Case("a hole before", header: "{" + tensor("a", 4, 20) + "}", data: 20, .hole(file: "f", from: 0, to: 4)),
        Case(
            "a hole between", header: "{" + tensor("a", 0, 16) + "," + tensor("b", 20, 36) + "}", data: 36,
            .hole(file: "f", from: 16, to: 20)),
        Case("bytes behind the last", header: whole, data: 17, .hole(file: "f", from: 16, to: 17)),
        Case("data without tensors", header: "{}", data: 1, .hole(file: "f", from: 0, to: 1)),
    ]

    @Test("each fault is named", arguments: sizes + headers + tensors + places)
    func refused(_ given: Case) {
        #expect(throws: given.expected) { try SafetensorsFile(bytes: given.bytes, name: "f") }
        #expect(!"\(given.expected)".isEmpty)
    }

    @Test("what the format allows is read: padding, no tensors, empty tensors, unknown keys")
    func tolerated() throws {
        let empty = try SafetensorsFile(bytes: Self.file(header: Array("{}      ".utf8), data: 0), name: "f")
        #expect(empty.tensors.isEmpty)
        let header =
            "{" + Self.tensor("z", 0, 0, shape: "[0,7]") + ","
            + #""a":{"dtype":"U8","shape":[16],"data_offsets":[0,16],"note":{"x":1}},"#
            + Self.tensor("e", 16, 16, shape: "[0]")
            + "}"
        let file = try SafetensorsFile(bytes: Self.file(header: Array(header.utf8)), name: "f")
        #expect(file.tensors.map(\.name) == ["z", "a", "e"])
        #expect(try file.tensor("z")?.float32Values() == [])
    }

    @Test("no prefix and no flipped byte of a good file makes the reader trap")
    func everyDamage() throws {
        let good = SafetensorsWriter.encode(
            [("a", [2, 2], [1, 2, 3, 4]), ("b", [3], [5, 6, 7])], metadata: ["format": "pt"])
        for length in 0..<good.count {
            #expect(throws: SafetensorsError.self) { try SafetensorsFile(bytes: Array(good.prefix(length)), name: "f") }
        }
        for position in good.indices {
            for bit in 0..<8 {
                var bad = good
                bad[position] ^= 1 << UInt8(bit)
                if let file = try? SafetensorsFile(bytes: bad, name: "f") {
                    for tensor in file.tensors { _ = try? tensor.float32Values() }
                }
            }
        }
    }
}
