internal import ModelFiles
internal import SwiftCSV

/// Rows of a comma-separated file whose first record names the columns (RFC 4180).
enum CommaSeparatedRows {
    static func rows(_ text: String, file: String) throws(DataError) -> [DataRow] {
        let records = try records(text, file: file)
        guard let header = records.first else { return [] }
        let columns = header.map { name in String(name.drop(while: \.isWhitespace)) }
        guard columns.contains("text") || (columns.contains("prompt") && columns.contains("completion")) else {
            throw .malformedRecord(
                file: file, record: 1,
                reason: "the header needs a column text, or prompt and completion; it names "
                    + columns.map { "\"\($0.prefix(40))\"" }.joined(separator: ", "))
        }
        guard Set(columns).count == columns.count else {
            throw .malformedRecord(file: file, record: 1, reason: "a column name stands twice")
        }
        var rows: [DataRow] = []
        for (index, cells) in records.enumerated().dropFirst() where cells != [""] {  // A blank line.
            guard cells.count == columns.count else {
                throw .malformedRecord(
                    file: file, record: index + 1,
                    reason: "it has \(cells.count) cells and the header \(columns.count); quote cells with commas")
            }
            var members: [String: JSONValue] = [:]
            for (column, cell) in zip(columns, cells) where !cell.isEmpty { members[column] = .string(cell) }
            do {
                rows.append(try RowFields(members).row())
            } catch {
                throw .malformedRecord(file: file, record: index + 1, reason: error.reason)
            }
        }
        return rows
    }

    /// Every record, the header included.
    private static func records(_ text: String, file: String) throws(DataError) -> [[String]] {
        // Doubled inside a cell and paired around it: an odd number leaves a cell open, which the parser does not say.
        guard text.utf8.count(where: { $0 == UInt8(ascii: "\"") }).isMultiple(of: 2) else {
            throw .malformedRecord(file: file, record: 1, reason: "a quotation mark in the file has no partner")
        }
        // Without a last line break the parser drops an empty last cell.
        let terminated = text.isEmpty || text.last?.isNewline == true ? text : text + "\n"
        var records: [[String]] = []
        do {
            // The row limit keeps the initialiser from parsing the whole text; the enumeration below does that once.
            let parser = try CSV<Enumerated>(string: terminated, delimiter: .comma, loadColumns: false, rowLimit: 0)
            try parser.enumerateAsArray(startAt: 0, rowLimit: nil) { records.append($0) }
        } catch {
            throw .malformedRecord(
                file: file, record: records.count + 1, reason: "a quoted cell must end before the next comma")
        }
        return records
    }
}
