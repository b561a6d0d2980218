import FineTuning
import FixtureFiles
import Glibc
import ModelFiles
import Testing

@Suite("Data files")
struct DatasetFileTests {
    static func read(_ text: String, as name: String = "d.jsonl") throws -> [DataRow] {
        try read(Array(text.utf8), as: name)
    }

    static func read(_ bytes: [UInt8], as name: String = "d.jsonl") throws -> [DataRow] {
        let folder = ScratchFolder()
        try AtomicFile.write(bytes, to: folder.file(name))
        return try DataFile.read(folder.file(name))
    }

    static let rows = [
        DataRow(.text("plain"), split: .train, worker: "ada", label: "a"),
        DataRow(.text("a \"quoted\", word"), split: .test, worker: "bob", label: "b"),
        DataRow(.text("two\nlines, ü 🦈"), split: .train, worker: "ada", label: "a"),
        DataRow(.text(" spaces kept "), split: .train, worker: "b c", label: "b"),
    ]

    @Test("rows that Python's json and csv modules wrote are read alike", arguments: ["rows.jsonl", "rows.csv"])
    func fixtures(name: String) throws {
        #expect(try DataFile.read(FixtureFiles.path("dataset/" + name)) == Self.rows)
    }

    @Test("prompt and completion are joined; a number is a label; other fields and null are ignored")
    func forms() throws {
        let rows = try Self.read(
            #"""
            {"prompt":"1+1=","completion":"2","split":"test","id":[1,{"x":2}]}
            {"text":"","label":3,"worker":null}
            """#)
        #expect(
            rows == [
                DataRow(.completion(prompt: "1+1=", completion: "2"), split: .test), DataRow(.text(""), label: "3"),
            ])
        #expect(rows.map(\.text) == ["1+1=2", ""])
    }

    @Test("a byte order mark, CRLF, blank lines and a missing last line break are tolerated")
    func tolerated() throws {
        let text = "\u{FEFF}{\"text\":\"a\"}\r\n\r\n  \n{\"text\":\"b\"}"
        #expect(try Self.read(text) == [DataRow(.text("a")), DataRow(.text("b"))])
    }

    @Test("a text file is one text")
    func plainText() throws {
        #expect(try Self.read("\u{FEFF}one\n\ntwo\n", as: "d.TXT") == [DataRow(.text("one\n\ntwo\n"))])
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var file = "d.jsonl"
        let bytes: [UInt8]
        let message: String

        init(_ description: String, _ text: String, in file: String = "d.jsonl", says message: String) {
            self.init(description, bytes: Array(text.utf8), in: file, says: message)
        }

        init(_ description: String, bytes: [UInt8], in file: String = "d.jsonl", says message: String) {
            testDescription = description
            self.file = file
            self.bytes = bytes
            self.message = message
        }
    }

    static let good = "{\"text\":\"a\"}\n"
    static let header = "text,split\r\n"

    @Test(
        "a fault is named with file and line",
        arguments: [
            Bad("cut JSON", good + "\n{\"text\":", says: "d.jsonl:3: it is not valid JSON"),
            Bad("no object", good + "[1]", says: "d.jsonl:2: a row is an object, this line is a list"),
            Bad("a number as text", good + "{\"text\":5}", says: "d.jsonl:2: text must be a string, it is a number"),
            Bad(
                "a list as worker", "{\"text\":\"a\",\"worker\":[]}", says: ":1: worker must be a string, it is a list"),
            Bad("an empty worker", "{\"text\":\"a\",\"worker\":\"\"}", says: "d.jsonl:1: worker is empty"),
            Bad("another split", "{\"text\":\"a\",\"split\":\"dev\"}", says: "split must be \"train\" or \"test\""),
            Bad("no known field", "{\"txt\":\"a\"}", says: "this one has none of those fields"),
            Bad("half a completion", "{\"prompt\":\"a\"}", says: "this one has only prompt"),
            Bad("two forms", "{\"text\":\"a\",\"prompt\":\"b\"}", says: "this one has only text and prompt"),
            Bad(
                "a field twice", "{\"text\":\"a\",\"text\":\"b\"}", says: "d.jsonl:1: a key stands twice in one object"),
            Bad("bytes that are not UTF-8", bytes: Array(good.utf8) + [0x22, 0xFF], says: "d.jsonl:2: not UTF-8"),
            Bad("no rows", "\n \r\n", says: "d.jsonl holds no rows"),
            Bad("an empty file", "", says: "d.jsonl holds no rows"),
            Bad("another extension", good, in: "d.parquet", says: "data files end in .jsonl, .txt or .csv"),
            Bad("no extension", good, in: "data", says: "data files end in .jsonl, .txt or .csv"),
            Bad("white space only", " \n\n", in: "d.txt", says: "d.txt holds no rows"),
            Bad(
                "Latin-1 text", bytes: Array("one\ntwo\n".utf8) + [0xE9, 0x0A], in: "d.txt", says: "d.txt:3: not UTF-8"),
            Bad("a header alone", header, in: "d.csv", says: "d.csv holds no rows"),
            Bad("no text column", "a;b\n1;2\n", in: "d.csv", says: "record 1: the header needs a column text"),
            Bad("a column twice", "text,text\n1,2\n", in: "d.csv", says: "a column name stands twice"),
            Bad("too many cells", header + "a,train\nb,train,c\n", in: "d.csv", says: "record 3: it has 3 cells"),
            Bad("too few cells", header + "a\n", in: "d.csv", says: "record 2: it has 1 cells"),
            Bad(
                "an open quote", header + "\"a,train\n", in: "d.csv",
                says: "a quotation mark in the file has no partner"),
            Bad("text behind a quoted cell", header + "\"a\"b\",\"c\n", in: "d.csv", says: "record 2: a quoted cell"),
            Bad("no text", header + ",train\n", in: "d.csv", says: "record 2: a row is"),
            Bad("another split in CSV", header + "a,dev\n", in: "d.csv", says: "record 2: split must be"),
        ])
    func faults(_ given: Bad) {
        #expect {
            try Self.read(given.bytes, as: given.file)
        } throws: { error in
            error is DataError && "\(error)".contains(given.message)
        }
    }

    @Test("an empty last cell and blank lines in CSV are read")
    func sparseCSV() throws {
        let rows = try Self.read("text,label\na,1\n\nb,", as: "d.csv")
        #expect(rows == [DataRow(.text("a"), label: "1"), DataRow(.text("b"))])
    }

    @Test("a missing file is named")
    func missing() {
        #expect(throws: DataError.unreadable(FileError(operation: "open", path: "/nonexistent/d.csv", code: ENOENT))) {
            try DataFile.read("/nonexistent/d.csv")
        }
    }

    @Test("rows written are read back unchanged from a file that its owner alone may read")
    func write() throws {
        let awkward = "\u{0}\u{1}\u{1F}\"\\/\u{7F}\u{2028}\r\n\t\u{FEFF}é e\u{301}👩‍👩‍👧 \u{10FFFF}"
        let rows =
            Self.rows + [
                DataRow(.text(awkward), worker: awkward, label: ""),
                DataRow(.completion(prompt: "", completion: awkward), split: .test),
            ]
        let folder = ScratchFolder()
        try DataFile.write(rows, to: folder.file("w.jsonl"))
        let again = try DataFile.read(folder.file("w.jsonl"))
        #expect(again == rows)
        // String equality is canonical equivalence; the bytes must be the same too.
        #expect(again.map { Array($0.text.unicodeScalars) } == rows.map { Array($0.text.unicodeScalars) })
        var status = stat()
        #expect(stat(folder.file("w.jsonl"), &status) == 0 && status.st_mode & 0o777 == 0o600)
    }
}
