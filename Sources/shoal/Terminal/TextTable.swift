/// A table of aligned columns in plain text.
struct TextTable {
    /// How the columns after the first are aligned: numbers to the right, words to the left.
    enum Alignment { case left, right }

    private let alignment: Alignment
    private var rows: [[String]] = []

    init(alignment: Alignment = .right) {
        self.alignment = alignment
    }

    mutating func add(_ cells: String...) {
        rows.append(cells)
    }

    /// The rows as lines, indented by two spaces.
    var lines: [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.compactMap { $0.dropFirst(column).first?.count }.max() ?? 0 }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 || alignment == .left ? cell + padding : padding + cell
            }
            var line = "  " + cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
