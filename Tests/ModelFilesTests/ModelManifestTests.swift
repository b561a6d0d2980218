import FixtureFiles
import ModelFiles
import Testing

@Suite("Model manifests")
struct ModelManifestTests {
    static func model() throws -> ScratchFolder {
        let folder = ScratchFolder()
        try AtomicFile.write(Array("{}".utf8), to: folder.file("config.json"))
        try AtomicFile.write(Array("abc".utf8), to: folder.file("tokenizer.json"))
        try AtomicFile.write(SafetensorsWriter.encode([]), to: folder.file("model.safetensors"))
        return folder
    }

    /// SHA-256 of "abc" is FIPS 180-2's first example; the others are from sha256sum.
    static let expected =
        #"{"files":[{"name":"config.json","#
        + #""sha256":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"#
        + #"{"name":"model.safetensors","#
        + #""sha256":"9bbcbf73561f6bc5d0a17ea6a2081feed2d1304e87602d8c502d9a5c4bd85576","size":16},"#
        + #"{"name":"tokenizer.json","#
        + #""sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","size":3}],"#
        + #""format":"shoal-model-1"}"#

    @Test("a directory's manifest is its files' names, sizes and hashes in canonical JSON")
    func canonical() throws {
        let folder = try Self.model()
        let manifest = try ModelManifest(directory: folder.path)
        #expect(String(decoding: manifest.encoded(), as: UTF8.self) == Self.expected)
        #expect(manifest.identity == ContentHash(of: Array(Self.expected.utf8)))
        #expect(try ModelManifest(decoding: manifest.encoded()) == manifest)
    }

    @Test("what changes the model changes the identity; sampling settings do not")
    func identity() throws {
        let folder = try Self.model()
        let before = try ModelManifest(directory: folder.path).identity
        try AtomicFile.write(Array("{}".utf8), to: folder.file("generation_config.json"))
        #expect(try ModelManifest(directory: folder.path).identity == before)
        try AtomicFile.write(Array("{{ messages }}".utf8), to: folder.file("chat_template.jinja"))
        let templated = try ModelManifest(directory: folder.path).identity
        #expect(templated != before)
        try AtomicFile.write(SafetensorsWriter.encode([("a", [1], [1])]), to: folder.file("model.safetensors"))
        #expect(try ModelManifest(directory: folder.path).identity != templated)
    }

    @Test("shards and their index are listed")
    func shards() throws {
        let folder = ScratchFolder()
        let source = FixtureFiles.path("safetensors/sharded/")
        let names = [
            "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json",
        ]
        for name in names { try AtomicFile.write(MappedFile(path: source + name).copy(), to: folder.file(name)) }
        for name in ["config.json", "tokenizer.json"] { try AtomicFile.write([1], to: folder.file(name)) }
        #expect(
            try ModelManifest(directory: folder.path).files.map(\.name) == ["config.json"] + names + ["tokenizer.json"])
    }

    @Test("a missing tokenizer is named")
    func missingTokenizer() throws {
        let folder = ScratchFolder()
        try AtomicFile.write([1], to: folder.file("config.json"))
        try AtomicFile.write(SafetensorsWriter.encode([]), to: folder.file("model.safetensors"))
        #expect {
            try ModelManifest(directory: folder.path)
        } throws: { "\($0)".hasPrefix("cannot open \(folder.file("tokenizer.json")): No such file or directory") }
    }

    static let hash = String(repeating: "0", count: 64)

    static func document(_ entries: [(name: String, size: String)]) -> String {
        let files = entries.map { #"{"name":"\#($0.name)","sha256":"\#(hash)","size":\#($0.size)}"# }
        return #"{"files":[\#(files.joined(separator: ","))],"format":"shoal-model-1"}"#
    }

    @Test(
        "a manifest that could name a file elsewhere, or is not canonical, is refused",
        arguments: [
            document([("../config.json", "1")]), document([("/etc/passwd", "1")]), document([("a/b", "1")]),
            document([("..", "1")]), document([(".hidden", "1")]), document([("", "1")]), document([("a\\\\b", "1")]),
            document([("a\\u0000b", "1")]), document([("a b", "1")]),
            document([(String(repeating: "n", count: 256), "1")]),
            document([("a", "-1")]), document([("a", "1.5")]), document([("a", "9223372036854775807")]),
            document([("a", "1125899906842624"), ("b", "1125899906842624")]),
            document([("a", "1"), ("a", "1")]), document([("b", "1"), ("a", "1")]), document([]),
            document((0...4096).map { (name: "f\(10_000 + $0)", size: "1") }),
            document([("a", "1")]) + " ", #"{"files":[],"format":"other"}"#, "[]", "", "{",
            #"{"files":[{"name":"a","sha256":"00","size":1}],"format":"shoal-model-1"}"#,
            #"{"extra":1,"# + document([("a", "1")]).dropFirst(),
        ])
    func hostile(text: String) {
        #expect(throws: ModelManifestError.self) { try ModelManifest(decoding: Array(text.utf8)) }
    }

    @Test("a good manifest is taken, and one above the size limit is not even parsed")
    func limits() throws {
        let good = Array(Self.document([("a", "0"), ("b", "1125899906842623")]).utf8)
        #expect(try ModelManifest(decoding: good)["b"]?.size == 1_125_899_906_842_623)
        let large = [UInt8](repeating: UInt8(ascii: " "), count: ModelManifest.encodedBytesMax + 1)
        #expect(throws: ModelManifestError.tooLarge(bytes: large.count, limit: ModelManifest.encodedBytesMax)) {
            try ModelManifest(decoding: large)
        }
    }
}
