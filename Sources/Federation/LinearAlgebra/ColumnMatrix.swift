/// A matrix of Doubles, column after column: what rotations and reflections of columns read in order.
package struct ColumnMatrix: Hashable, Sendable {
    package let rows: Int
    package private(set) var columns: Int
    /// `[columns, rows]` in memory.
    package var values: [Double]

    package init(rows: Int, columns: Int, values: [Double]) {
        precondition(values.count == rows * columns, "\(values.count) values for \(rows) × \(columns)")
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    package init(rows: Int, columns: Int) {
        self.init(rows: rows, columns: columns, values: [Double](repeating: 0, count: rows * columns))
    }

    package subscript(row: Int, column: Int) -> Double {
        get { values[column * rows + row] }
        set { values[column * rows + row] = newValue }
    }

    package func column(_ index: Int) -> ArraySlice<Double> { values[index * rows..<(index + 1) * rows] }

    package var transposed: ColumnMatrix {
        var result = ColumnMatrix(rows: columns, columns: rows)
        for column in 0..<columns {
            for row in 0..<rows { result.values[row * columns + column] = values[column * rows + row] }
        }
        return result
    }

    /// Adds columns behind the others.
    mutating func append(_ more: [Double]) {
        precondition(more.count.isMultiple(of: rows), "\(more.count) values for columns of \(rows)")
        values += more
        columns += more.count / rows
    }

    /// The first columns.
    func prefix(_ count: Int) -> ColumnMatrix {
        ColumnMatrix(rows: rows, columns: count, values: Array(values[..<(count * rows)]))
    }

    /// The product, in a fixed order of additions.
    package static func * (left: ColumnMatrix, right: ColumnMatrix) -> ColumnMatrix {
        precondition(left.columns == right.rows, "\(left.columns) columns times \(right.rows) rows")
        var result = ColumnMatrix(rows: left.rows, columns: right.columns)
        let (rows, inner) = (left.rows, left.columns)
        left.values.withUnsafeBufferPointer { left in
            result.values.withUnsafeMutableBufferPointer { target in
                for column in 0..<right.columns {
                    for step in 0..<inner {
                        let factor = right.values[column * inner + step]
                        guard factor != 0 else { continue }
                        for row in 0..<rows { target[column * rows + row] += left[step * rows + row] * factor }
                    }
                }
            }
        }
        return result
    }
}
