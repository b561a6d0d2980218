import FixtureFiles
import ModelFiles
import Testing

@Suite("Writing safetensors")
struct SafetensorsWriterTests {
    @Test(
        "the bytes are those that the reference implementation writes",
        arguments: ["float32.safetensors", "without_metadata.safetensors"])
    func sameBytes(fixture: String) throws {
        let path = FixtureFiles.path("safetensors/" + fixture)
        let file = try SafetensorsFile(path: path)
        let tensors = try file.tensors.reversed().map { ($0.name, $0.shape, try $0.float32Values()) }
        let expected = try MappedFile(path: path).copy()
        #expect(SafetensorsWriter.encode(tensors, metadata: file.metadata) == expected)
    }

    @Test("the data section starts at a multiple of 8 for any length of name", arguments: 1...9)
    func alignment(length: Int) throws {
        let name = String(repeating: "n", count: length)
        let bytes = SafetensorsWriter.encode([(name, [1], [1])])
        #expect((bytes.count - 4).isMultiple(of: 8))
        #expect(try SafetensorsFile(bytes: bytes, name: "f").tensor(name)?.float32Values() == [1])
    }
}

@Suite("Adapter objects")
struct AdapterObjectTests {
    static let layout = AdapterLayout([("y.lora_B.weight", [3, 2]), ("y.lora_A.weight", [2, 4]), ("x", [1])])
    static let values = (0..<15).map { Float($0) / 8 - 0.5 }

    @Test("a flat vector comes back with its layout")
    func roundTrip() throws {
        let bytes = AdapterObject.encode(layout: Self.layout, values: Self.values)
        let decoded = try AdapterObject.decode(bytes)
        #expect(decoded.layout == Self.layout)
        #expect(decoded.values == Self.values)
        let factor = try SafetensorsFile(bytes: bytes, name: "f").tensor("y.lora_A.weight")
        #expect(try factor?.float32Values() == Array(Self.values[1..<9]))
    }

    @Test("an object without tensors, or with an empty one, is refused")
    func empty() {
        #expect(throws: SafetensorsError.self) { try AdapterObject.decode(SafetensorsWriter.encode([])) }
        #expect(throws: SafetensorsError.self) {
            try AdapterObject.decode(SafetensorsWriter.encode([("a", [0, 2], [])]))
        }
    }
}
