import FixtureFiles
import Foundation
import ModelFiles
import Testing

@Suite("Remembered hashes")
struct HashMemoTests {
    private let folder = ScratchFolder()
    private var memo: HashMemo { HashMemo(folder: folder.path) }

    /// Written in place and, as far as its content's time tells, long ago.
    private func write(_ text: String, age seconds: Double = 3600) throws -> MappedFile {
        let path = folder.file("file")
        try Data(text.utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -seconds)], ofItemAtPath: path)
        return try MappedFile(path: path)
    }

    @Test("a hash is the content's, and known from then on")
    func remembered() throws {
        let file = try write("one")
        #expect(memo.known(file) == nil)
        #expect(memo.hash(of: file) == ContentHash(of: Array("one".utf8)))
        #expect(memo.known(file) == ContentHash(of: Array("one".utf8)))
    }

    @Test("new content of the same size and time under the same name is another file")
    func changed() throws {
        _ = memo.hash(of: try write("one"))
        let file = try write("two")
        #expect(memo.known(file) == nil)
        #expect(memo.hash(of: file) == ContentHash(of: Array("two".utf8)))
    }

    @Test("a file that changed just now is not remembered: it may change again within a clock tick")
    func unsettled() throws {
        let file = try write("one", age: 0)
        #expect(memo.hash(of: file) == ContentHash(of: Array("one".utf8)))
        #expect(memo.known(file) == nil)
    }

    @Test("a damaged memo, or a folder that is missing, costs a reading of the file")
    func damaged() throws {
        let file = try write("one")
        _ = memo.hash(of: file)
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).first { $0 != "file" })
        let whole = try MappedFile(path: folder.file(name)).copy()
        for bytes in [[], Array(whole.dropLast(2)), Array(whole.dropFirst()), Array("\n".utf8)] {
            try AtomicFile.write(bytes, to: folder.file(name))
            #expect(memo.known(file) == nil)
        }
        #expect(HashMemo(folder: folder.file("nowhere")).hash(of: file) == ContentHash(of: Array("one".utf8)))
    }
}
