import FineTuning
import FixtureFiles

/// Data files: the first byte picks the kind.
enum RowFuzzing {
    private static let kinds = ["jsonl", "csv", "txt"]

    static func reader() throws -> FuzzTarget.Reader {
        let files = try kinds.map { try InputFile("rows." + $0) }
        let copy = ScratchFolder()
        return { bytes in
            guard let first = bytes.first else { return false }
            let file = files[Int(first) % files.count]
            try file.write(bytes.dropFirst())
            guard let rows = try? DataFile.read(file.path) else { return false }
            try expect(!rows.isEmpty, "a file without rows")
            let path = copy.file("rows.jsonl")
            try DataFile.write(rows, to: path)
            try expect(try DataFile.read(path) == rows, "rows that are not read as they were written")
            return true
        }
    }

    static func seeds() -> [[UInt8]] {
        let lines = """
            {"text":"a\\u00e9","split":"test","worker":"w"}

            {"prompt":"p","completion":"c","label":3}
            {"messages":[{"role":"user","content":"u"},{"role":"assistant","content":"a"}]}
            """
        let table = "text,label,worker\n\"a \"\"b\"\", c\nd\",x,\n é,y,w\r\n"
        let pairs = "prompt,completion\r\np,c\r\n"
        return [
            [0] + lines.utf8, [0, 0xEF, 0xBB, 0xBF] + lines.utf8, [1] + table.utf8, [1] + pairs.utf8,
            [2] + "one\ntwo\r\n".utf8,
        ]
    }
}
