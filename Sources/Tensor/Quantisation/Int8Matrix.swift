internal import CKernels

/// A matrix as int8 with one float32 scale a row, symmetric: a row's largest magnitude becomes ±127.
package struct Int8Matrix {
    package let rows: Int
    package let columns: Int
    /// `[rows, columns]`
    package private(set) var values: [Int8]
    /// `[rows]`
    package private(set) var scales: [Float]

    /// Rounds to the nearest code.
    ///
    /// - Parameter source: `[rows, columns]`, finite.
    package init(_ source: [Float], rows: Int, columns: Int) {
        precondition(source.count == rows * columns, "\(source.count) values for \(rows) × \(columns)")
        self.rows = rows
        self.columns = columns
        values = [Int8](repeating: 0, count: source.count)
        scales = [Float](repeating: 0, count: rows)
        for row in 0..<rows {
            let range = row * columns..<(row + 1) * columns
            let largest = source[range].reduce(Float(0)) { max($0, $1.magnitude) }
            guard largest > 0 else { continue }
            // The scale itself may round down, and 1/scale overflow for tiny numbers: divide, then clamp.
            let scale = max(largest / 127, .leastNonzeroMagnitude)
            scales[row] = scale
            for index in range {
                values[index] = Int8(max(-127, min(127, (source[index] / scale).rounded(.toNearestOrEven))))
            }
        }
    }

    /// `[rows, columns]`
    package var dequantised: [Float] {
        [Float](unsafeUninitializedCapacity: values.count) { target, initialized in
            shoal_dequantise_int8(values, scales, SHOAL_FLOAT32, target.baseAddress, rows, columns)
            initialized = values.count
        }
    }
}
