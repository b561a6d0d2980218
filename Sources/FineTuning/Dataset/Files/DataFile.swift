public import ModelFiles

/// Reads and writes data files: `.jsonl`, `.txt` and `.csv`, UTF-8, with or without a byte order mark.
///
/// - `.jsonl`: one object a line; blank lines are skipped, other fields than those of ``DataRow`` are ignored.
/// - `.txt`: the whole file is one training text.
/// - `.csv`: comma-separated with a header; columns as the fields of `.jsonl`, empty cells as absent fields.
public enum DataFile {
    /// Longer lines and CSV records are refused.
    public static let rowBytesMax = 64 << 20

    /// Reads rows, in file order, into memory.
    ///
    /// - Parameters:
    ///   - split: Of one split, or (`nil`) of both.
    ///   - objection: Why a row cannot be used, with the remedy; `nil` if it can.
    /// - Throws: ``DataError``; also for a file without rows.
    public static func read(
        _ path: String, split: DataRow.Split? = nil, objection: (DataRow) -> String? = { _ in nil }
    ) throws(DataError) -> [DataRow] {
        var rows: [DataRow] = []
        var pieces: [String] = []
        try forEachRow(path) { (located) throws(DataError) in
            if let reason = objection(located.row) { throw .malformed(located.place, reason: reason) }
            guard split == nil || located.row.split == split else { return }
            guard located.isStart && located.isEnd else {
                pieces.append(located.row.text)
                return
            }
            rows.append(located.row)
        }
        if !pieces.isEmpty { rows.append(DataRow(.text(pieces.joined()))) }
        return rows
    }

    /// What a pass over a file found.
    public struct Summary: Hashable, Sendable {
        public var rows = 0
        /// Rows with `messages`.
        public var chats = 0
    }

    /// Reads a whole file and keeps nothing, so that whatever is wrong with a row is known before anything begins.
    ///
    /// - Throws: ``DataError``; also for a file without rows.
    @discardableResult
    public static func check(_ path: String) throws(DataError) -> Summary {
        var summary = Summary()
        try forEachRow(path) { located in
            if located.isStart { summary.rows += 1 }
            if case .chat = located.row.content { summary.chats += 1 }
        }
        return summary
    }

    /// Hands out a file's rows one after the other; memory holds one at a time.
    ///
    /// - Throws: ``DataError``; also for a file without rows, and what `body` throws.
    package static func forEachRow(
        _ path: String, rowBytesMax: Int = rowBytesMax, _ body: (LocatedRow) throws(DataError) -> Void
    ) throws(DataError) {
        let suffix = path.split(separator: "/").last?.split(separator: ".").last.map { $0.lowercased() }
        guard let suffix, ["jsonl", "txt", "csv"].contains(suffix) else { throw .unknownExtension(file: path) }
        var isEmpty = true
        let visit = { (row: LocatedRow) throws(DataError) in
            isEmpty = false
            try body(row)
        }
        switch suffix {
        case "jsonl": try JSONLines.forEachRow(path, lineBytesMax: rowBytesMax, visit)
        case "csv": try CommaSeparatedRows.forEachRow(path, recordBytesMax: rowBytesMax, visit)
        default: try PlainText.forEachPiece(path, lineBytesMax: rowBytesMax, visit)
        }
        if isEmpty { throw .empty(file: path) }
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
}
