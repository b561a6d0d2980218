import FixtureFiles
import FoundationEssentials
import Glibc
import ModelFiles
import Testing

@Suite("Reading safetensors")
struct SafetensorsFileTests {
    @Test("names, shapes and metadata are those that Python wrote")
    func description() throws {
        let file = try SafetensorsFile(path: FixtureFiles.path("safetensors/float32.safetensors"))
        #expect(file.metadata == ["format": "pt"])
        #expect(file.tensors.map(\.name) == ["a.weight", "b.weight", "odd \"name\"\\\t\u{1}\u{7f}ü🦈", "scalar"])
        #expect(file.tensors.map(\.shape) == [[2, 2], [2, 3], [1], []])
        #expect(file.tensors.map(\.elementType) == [.float32, .float32, .float32, .float32])
        #expect(try file.tensor("b.weight")?.float32Values() == [-1, -0.75, -0.5, -0.25, 0, 0.25])
        #expect(try file.tensor("scalar")?.float32Values() == [-7])
        #expect(file.tensor("c.weight") == nil)
    }

    @Test("float16 and bfloat16 convert to the float32 bits that PyTorch gives", arguments: ["f32", "f16", "bf16"])
    func conversion(name: String) throws {
        let text = try Data(contentsOf: URL(filePath: FixtureFiles.path("safetensors/mixed_float32_bits.json")))
        let expected = try JSONDecoder().decode([String: [UInt32]].self, from: text)
        let file = try SafetensorsFile(path: FixtureFiles.path("safetensors/mixed.safetensors"))
        let values = try #require(file.tensor(name)).float32Values()
        #expect(values.map(\.bitPattern) == expected[name])
    }

    @Test("a type without float32 values is refused by name")
    func unsupportedType() throws {
        let file = try SafetensorsFile(path: FixtureFiles.path("safetensors/mixed.safetensors"))
        let tensor = try #require(file.tensor("ids"))
        #expect(tensor.elementType == .int64)
        #expect(
            throws: SafetensorsError.unsupportedElementType(file: file.name, tensor: "ids", type: .int64)
        ) { try tensor.float32Values() }
    }

    @Test("bytes from a link read like the file, and a tensor outlives what it came from")
    func bytesFromLink() throws {
        let path = FixtureFiles.path("safetensors/float32.safetensors")
        let bytes = try MappedFile(path: path).copy()
        let tensor = try #require(try SafetensorsFile(bytes: bytes, name: "object").tensor("b.weight"))
        #expect(try tensor.float32Values() == [-1, -0.75, -0.5, -0.25, 0, 0.25])
        #expect(tensor.withBytes { $0.count } == 24)
    }

    @Test("a missing file is named with the system's reason")
    func missing() {
        #expect {
            try SafetensorsFile(path: "/nonexistent/model.safetensors")
        } throws: { error in
            "\(error)" == "cannot open /nonexistent/model.safetensors: No such file or directory"
        }
    }

    @Test("an empty file maps to no bytes; a folder does not map")
    func emptyFile() throws {
        let folder = ScratchFolder()
        try AtomicFile.write([], to: folder.file("empty"))
        #expect(try MappedFile(path: folder.file("empty")).bytes.isEmpty)
        #expect(throws: FileError(operation: "map", path: folder.path, code: EISDIR)) {
            try MappedFile(path: folder.path)
        }
    }
}
