internal import ModelFiles

/// Rows of a comma-separated file whose first record names the columns (RFC 4180), read a record at a time.
enum CommaSeparatedRows {
    static func forEachRow(
        _ path: String, recordBytesMax: Int, _ body: (LocatedRow) throws(DataError) -> Void
    ) throws(DataError) {
        var records = try CommaSeparatedRecords(path: path, recordBytesMax: recordBytesMax)
        guard let header = try records.next() else { return }
        let columns = header.map { name in String(name.drop(while: \.isWhitespace)) }
        try check(columns, at: .record(file: path, 1))
        while let cells = try records.next() {
            if cells == [""] { continue }  // A blank line.
            let place = DataPlace.record(file: path, records.count)
            guard cells.count == columns.count else {
                throw .malformed(
                    place,
                    reason: "it has \(cells.count) cells and the header \(columns.count); quote cells with commas")
            }
            var members: [String: JSONValue] = [:]
            for (column, cell) in zip(columns, cells) where !cell.isEmpty { members[column] = .string(cell) }
            members["messages"] = nil  // A cell holds no list.
            let row: DataRow
            do { row = try RowFields(members).row() } catch { throw .malformed(place, reason: error.reason) }
            try body(LocatedRow(row: row, place: place))
        }
    }

    private static func check(_ columns: [String], at place: DataPlace) throws(DataError) {
        guard columns.contains("text") || (columns.contains("prompt") && columns.contains("completion")) else {
            throw .malformed(
                place,
                reason: "the header needs a column text, or prompt and completion; it names "
                    + columns.map { "\"\($0.prefix(40))\"" }.joined(separator: ", "))
        }
        guard Set(columns).count == columns.count else {
            throw .malformed(place, reason: "a column name stands twice")
        }
    }
}

/// Cuts a comma-separated file into records and cells.
struct CommaSeparatedRecords: ~Copyable {
    private var bytes: FileBytes
    private let path: String
    private let recordBytesMax: Int
    /// Records so far; the header is the first.
    private(set) var count = 0
    private var line = 1

    init(path: String, recordBytesMax: Int) throws(DataError) {
        bytes = try FileBytes(path: path)
        self.path = path
        self.recordBytesMax = recordBytesMax
    }

    /// The next record's cells; `nil` at the end of the file.
    mutating func next() throws(DataError) -> [String]? {
        guard try bytes.peek() != nil else { return nil }
        count += 1
        var cells: [String] = []
        var recordBytes = 0
        while true {
            let (cell, isLast) = try nextCell(&recordBytes)
            cells.append(cell)
            if isLast { return cells }
        }
    }

    private func failure(_ reason: String) -> DataError { .malformed(.record(file: path, count), reason: reason) }

    private mutating func nextCell(_ recordBytes: inout Int) throws(DataError) -> (String, isLast: Bool) {
        var cell: [UInt8] = []
        let firstLine = line
        var isQuoted = false
        if try bytes.peek() == UInt8(ascii: "\"") {
            isQuoted = true
            _ = try bytes.next()
            try takeQuoted(into: &cell, &recordBytes)
        }
        while true {
            let byte = try bytes.next()
            switch byte {
            case UInt8(ascii: ","): return (try text(cell, line: firstLine), false)
            case nil: return (try text(cell, line: firstLine), true)
            case UInt8(ascii: "\n"):
                line += 1
                return (try text(cell, line: firstLine), true)
            case UInt8(ascii: "\r"):
                let following = try bytes.peek()
                if following == UInt8(ascii: "\n") { _ = try bytes.next() }
                line += 1
                return (try text(cell, line: firstLine), true)
            case let byte?:
                guard !isQuoted else { throw failure("a quoted cell must end before the next comma") }
                cell.append(byte)
                try count(&recordBytes)
            }
        }
    }

    /// The inside of a quoted cell, its closing mark taken too.
    private mutating func takeQuoted(into cell: inout [UInt8], _ recordBytes: inout Int) throws(DataError) {
        while true {
            guard let byte = try bytes.next() else { throw failure("a quotation mark in the file has no partner") }
            if byte == UInt8(ascii: "\"") {
                guard try bytes.peek() == byte else { return }
                _ = try bytes.next()
            }
            if byte == UInt8(ascii: "\n") { line += 1 }
            cell.append(byte)
            try count(&recordBytes)
        }
    }

    private func count(_ recordBytes: inout Int) throws(DataError) {
        recordBytes += 1
        if recordBytes > recordBytesMax { throw .tooLong(.record(file: path, count), limitBytes: recordBytesMax) }
    }

    private func text(_ cell: [UInt8], line firstLine: Int) throws(DataError) -> String {
        if let text = String(validating: cell, as: UTF8.self) { return text }
        // Valid UTF-8 holds a line feed's byte only as a line feed, so lines can be judged one by one.
        var line = firstLine
        for part in cell.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if String(validating: part, as: UTF8.self) == nil { break }
            line += 1
        }
        throw .invalidUTF8(file: path, line: line)
    }
}
