public import ModelFiles

/// Reads and writes data files: `.jsonl`, `.txt` and `.csv`, UTF-8, with or without a byte order mark.
public enum DataFile {
    /// Reads every row, in file order.
    ///
    /// - `.jsonl`: one object a line; blank lines are skipped, other fields than those of ``DataRow`` are ignored.
    /// - `.txt`: the whole file is one training text.
    /// - `.csv`: comma-separated with a header; columns as the fields of `.jsonl`, empty cells as absent fields.
    ///
    /// - Throws: ``DataError``; also for a file without rows.
    public static func read(_ path: String) throws(DataError) -> [DataRow] {
        let suffix = path.split(separator: "/").last?.split(separator: ".").last.map { $0.lowercased() }
        guard let suffix, ["jsonl", "txt", "csv"].contains(suffix) else { throw .unknownExtension(file: path) }
        let file: MappedFile
        do { file = try MappedFile(path: path) } catch { throw .unreadable(error) }
        let rows = try file.withBytes { (bytes) throws(DataError) in
            let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
            let hasMark = bytes.starts(with: mark)
            let content = UnsafeRawBufferPointer(rebasing: bytes[(hasMark ? mark.count : 0)...])
            switch suffix {
            case "jsonl": return try JSONLines.rows(content, file: path)
            case "csv": return try CommaSeparatedRows.rows(try text(content, file: path), file: path)
            default:
                let text = try text(content, file: path)
                return text.allSatisfy(\.isWhitespace) ? [] : [DataRow(.text(text))]
            }
        }
        guard !rows.isEmpty else { throw .empty(file: path) }
        return rows
    }

    /// Writes rows as `.jsonl` that ``read(_:)`` gives back unchanged; readable by its owner alone (mode 0600).
    public static func write(_ rows: [DataRow], to path: String) throws(FileError) {
        var bytes: [UInt8] = []
        for row in rows {
            bytes += JSONText.encode(.object(JSONLines.members(of: row)))
            bytes.append(UInt8(ascii: "\n"))
        }
        try AtomicFile.write(bytes, to: path, permissions: 0o600)
    }

    private static func text(_ bytes: UnsafeRawBufferPointer, file: String) throws(DataError) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        // Valid UTF-8 holds a newline byte only as a newline, so lines can be judged one by one.
        var line = 1
        for part in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if String(validating: part, as: UTF8.self) == nil { break }
            line += 1
        }
        throw .invalidUTF8(file: file, line: line)
    }
}
