import FineTuning
import FixtureFiles
import ModelFiles
import Testing

/// Files larger than the reader's window.
@Suite("Reading data files a row at a time")
struct DataStreamTests {
    /// Rows of very different sizes, some longer than a chunk of 1 MiB.
    private static let texts = (0..<60).map { index in
        String(
            repeating: "é\(index) \"quoted\", line\n", count: index == 7 ? 70_000 : index == 30 ? 40_001 : index * 97)
    }

    private static func write(_ bytes: [UInt8], _ name: String) throws -> (ScratchFolder, String) {
        let folder = ScratchFolder()
        try AtomicFile.write(bytes, to: folder.file(name))
        return (folder, folder.file(name))
    }

    @Test("JSON rows that span chunks are read whole")
    func jsonLines() throws {
        let rows = Self.texts.map { DataRow(.text($0)) }
        let folder = ScratchFolder()
        try DataFile.write(rows, to: folder.file("d.jsonl"))
        #expect(try DataFile.read(folder.file("d.jsonl")) == rows)
        #expect(try DataFile.check(folder.file("d.jsonl")).rows == rows.count)
    }

    @Test("CSV records that span chunks are read whole", arguments: ["\n", "\r\n"])
    func commaSeparated(lineBreak: String) throws {
        let texts = Self.texts.dropFirst()
        let quoted = texts.map {
            "\"" + $0.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\",test"
        }
        let text = (["text,split"] + quoted).joined(separator: lineBreak)
        let (folder, path) = try Self.write(Array(text.utf8), "d.csv")
        #expect(try DataFile.read(path) == texts.map { DataRow(.text($0), split: .test) })
        withExtendedLifetime(folder) {}
    }

    @Test("a long text comes in pieces of whole lines that are one text when packed")
    func pieces() throws {
        let text = Self.texts.joined()
        let (folder, path) = try Self.write(Array(text.utf8), "d.txt")
        #expect(try DataFile.read(path) == [DataRow(.text(text))])
        var pieces: [LocatedRow] = []
        try PlainText.forEachPiece(path, lineBytesMax: 1 << 20, pieceBytes: 100_000) { pieces.append($0) }
        #expect(pieces.count > 10)
        #expect(pieces.map(\.row.text).joined() == text)
        #expect(pieces.map(\.isStart) == [true] + Array(repeating: false, count: pieces.count - 1))
        #expect(pieces.map(\.isEnd) == Array(repeating: false, count: pieces.count - 1) + [true])
        let encoder = RowEncoder(
            encode: { $0.utf8.map { Int32($0) } }, bos: 300, eos: 301, template: .failure(.unrecognised(directory: "")))
        let tokens = try pieces.flatMap { try encoder.marked($0) }
        #expect(tokens == [300] + text.utf8.map { Int32($0) } + [301])
        withExtendedLifetime(folder) {}
    }

    @Test("rows beyond the limit are refused with their place")
    func tooLong() throws {
        let long = String(repeating: "a", count: 3000)
        for (name, text, place) in [
            ("d.jsonl", "{\"text\":\"a\"}\n\n{\"text\":\"\(long)\"}\n", "d.jsonl:3: longer than"),
            ("d.csv", "text\na\n\(long)\n", "d.csv, record 3: longer than"), ("d.txt", "a\n\(long)", "d.txt:2: longer"),
        ] {
            let (folder, path) = try Self.write(Array(text.utf8), name)
            #expect {
                try DataFile.forEachRow(path, rowBytesMax: 2000) { _ in }
            } throws: { error in
                "\(error)".contains(place)
            }
            try DataFile.forEachRow(path, rowBytesMax: 4000) { _ in }
            withExtendedLifetime(folder) {}
        }
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let row: String
        let message: String
    }

    @Test(
        "malformed chats are refused with line and remedy",
        arguments: [
            Bad(testDescription: "no messages", row: "[]", message: "messages is empty; give"),
            Bad(testDescription: "no list", row: "{}", message: "messages must be a list, it is an object"),
            Bad(testDescription: "no object", row: "[5]", message: "message 1 must be an object"),
            Bad(
                testDescription: "another role", row: #"[{"role":"user","content":"a"},{"role":"tool","content":"b"}]"#,
                message: "message 2 must have the role \"system\", \"user\" or \"assistant\"; its role is \"tool\""),
            Bad(testDescription: "no role", row: #"[{"content":"a"}]"#, message: "it has no role"),
            Bad(
                testDescription: "no content", row: #"[{"role":"user"}]"#,
                message: "the content of message 1 must be a string, it is missing"),
            Bad(
                testDescription: "content in parts", row: #"[{"role":"assistant","content":[]}]"#,
                message: "must be a string, it is a list"),
            Bad(
                testDescription: "no answer", row: #"[{"role":"user","content":"a"}]"#,
                message: "no message has the role \"assistant\", so there is nothing to learn; add"),
        ])
    func malformedChats(given: Bad) throws {
        let text = "{\"text\":\"a\"}\n{\"messages\":\(given.row)}\n"
        let (folder, path) = try Self.write(Array(text.utf8), "d.jsonl")
        #expect {
            try DataFile.check(path)
        } throws: { error in
            "\(error)".hasPrefix(path + ":2: ") && "\(error)".contains(given.message)
        }
        withExtendedLifetime(folder) {}
    }

    @Test("chats written are read back unchanged, and only the split asked for is kept")
    func chats() throws {
        let chat = DataRow(
            .chat([ChatMessage(role: .user, content: "a\n"), ChatMessage(role: .assistant, content: "🦈")]), split: .test
        )
        let folder = ScratchFolder()
        try DataFile.write([DataRow(.text("x")), chat], to: folder.file("c.jsonl"))
        #expect(try DataFile.read(folder.file("c.jsonl"), split: .test) == [chat])
        #expect(try DataFile.check(folder.file("c.jsonl")).chats == 1)
        #expect {
            try DataFile.read(folder.file("c.jsonl")) { $0 == chat ? "not this" : nil }
        } throws: { error in
            "\(error)".hasSuffix("c.jsonl:2: not this")
        }
    }
}
