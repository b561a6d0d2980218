import BuiltIn
import FoundationEssentials
import Testing

@Suite("Files carried inside the program")
struct BuiltInFilesTests {
    private struct Note: Decodable {
        let worker: String
        let split: String
        let text: String
    }

    /// The folder the C target embeds, found from the place of this source file.
    private let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/CBuiltIn/files")

    private func notes() throws -> [Note] {
        try BuiltInFiles.data.split(separator: UInt8(ascii: "\n")).map { line in
            try JSONDecoder().decode(Note.self, from: Data(line))
        }
    }

    @Test("every file of the checkout's folder is embedded, byte for byte")
    func embeddedFilesEqualThoseOnDisk() throws {
        let onDisk = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(BuiltInFiles.files.map(\.name).sorted() == onDisk.sorted())
        for file in BuiltInFiles.files {
            let expected = try Data(contentsOf: folder.appending(path: file.name))
            #expect(Data(file.bytes) == expected, "\(file.name)")
        }
    }

    @Test("the model is written as a directory of three files, over what stands there")
    func writesModel() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "built-in-\(UUID().uuidString)/model")
        defer { try? FileManager.default.removeItem(at: directory.deletingLastPathComponent()) }
        for _ in 1...2 {
            try BuiltInFiles.writeModel(to: directory.path)
            let written = try FileManager.default.contentsOfDirectory(atPath: directory.path)
            #expect(written.sorted() == ["config.json", "model.safetensors", "tokenizer.json"])
            for name in written {
                let expected = try Data(contentsOf: folder.appending(path: name))
                #expect(try Data(contentsOf: directory.appending(path: name)) == expected, "\(name)")
            }
        }
    }

    @Test("a folder that cannot be made is refused by name")
    func refusesImpossibleFolder() throws {
        #expect(throws: BuiltInFilesError.self) { try BuiltInFiles.writeModel(to: "/dev/null/model") }
    }

    @Test("the model stays under 4 MB and the notes under 500 kB")
    func sizes() throws {
        let sizes = Dictionary(uniqueKeysWithValues: BuiltInFiles.files.map { ($0.name, $0.bytes.count) })
        #expect(try #require(sizes["model.safetensors"]) + #require(sizes["tokenizer.json"]) < 4_000_000)
        #expect(try #require(sizes["notes.jsonl"]) <= 500_000)
    }

    @Test("at least eight trades have training and held-out notes, in unequal amounts")
    func tradesHaveBothSplits() throws {
        let groups = Dictionary(grouping: try notes(), by: \.worker)
        #expect(groups.count >= 8)
        for (worker, notes) in groups {
            #expect(notes.filter { $0.split == "train" }.count >= 100, "\(worker)")
            #expect(notes.filter { $0.split == "test" }.count >= 20, "\(worker)")
            #expect(notes.allSatisfy { $0.split == "train" || $0.split == "test" }, "\(worker)")
        }
        #expect(Set(groups.values.map(\.count)).count > groups.count / 2)
    }

    @Test("no held-out note repeats a training note, reference and signature aside")
    func heldOutNotesAreNew() throws {
        // "Ref XX-1234, Mon 09:20. BODY Signed AB." and "BODY Signed AB. Ref XX-1234, Mon 09:20." hold the same BODY.
        let body = { (text: String) in
            text.replacing(#/Ref [A-Z]+-[0-9]+, [A-Z][a-z]+ [0-9:]+\./#, with: "")
                .replacing(#/Signed [A-Za-z0-9 ]+\./#, with: "")
                .split(separator: " ").joined(separator: " ")
        }
        let notes = try notes()
        let trained = Set(notes.filter { $0.split == "train" }.map { body($0.text) })
        let heldOut = notes.filter { $0.split == "test" }.map { body($0.text) }
        #expect(trained.isDisjoint(with: heldOut))
        #expect(Set(notes.map(\.text)).count == notes.count)
    }

    @Test("the run file asks for the built-in model and notes")
    func runFileNamesTheBuiltIn() {
        #expect(BuiltInFiles.runFile.contains("\nmodel: built-in\n"))
        #expect(BuiltInFiles.runFile.contains("\n  path: built-in\n"))
    }
}
