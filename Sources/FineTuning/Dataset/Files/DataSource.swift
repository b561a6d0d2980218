/// Where a worker's rows come from: a file that is read a row at a time, or rows already in memory.
public enum DataSource: Sendable {
    case file(String)
    case rows([DataRow])

    /// A data file all of whose rows are well formed.
    public static func checkedFile(_ path: String) throws(DataError) -> DataSource {
        try DataFile.check(path)
        return .file(path)
    }

    package func forEachRow(_ body: (LocatedRow) throws(DataError) -> Void) throws(DataError) {
        switch self {
        case .file(let path): try DataFile.forEachRow(path, body)
        case .rows(let rows):
            for (index, row) in rows.enumerated() { try body(LocatedRow(row: row, place: .row(index + 1))) }
        }
    }
}
