/// A matrix as `basis · coordinates`, the basis orthonormal: Householder's QR decomposition.
///
/// - SeeAlso: Golub and Van Loan, "Matrix Computations", 4th edition, algorithm 5.2.1.
package struct OrthonormalBasis {
    /// `[rows, k]` with orthonormal columns, k the smaller of the matrix's sides.
    package let basis: ColumnMatrix
    /// `[k, columns]`, upper triangular unless the matrix is wide.
    package let coordinates: ColumnMatrix

    /// A matrix that is wider than tall is its own coordinates in the standard basis.
    package init(of matrix: ColumnMatrix) {
        let (rows, columns) = (matrix.rows, matrix.columns)
        guard rows >= columns else {
            var identity = ColumnMatrix(rows: rows, columns: rows)
            for index in 0..<rows { identity[index, index] = 1 }
            basis = identity
            coordinates = matrix
            return
        }
        var work = matrix
        var factors = [Double](repeating: 0, count: columns)
        work.values.withUnsafeMutableBufferPointer { values in
            for step in 0..<columns {
                factors[step] = Self.reflect(values, rows: rows, columns: columns, step: step)
            }
        }
        var upper = ColumnMatrix(rows: columns, columns: columns)
        for column in 0..<columns {
            for row in 0...column { upper[row, column] = work[row, column] }
        }
        var basis = ColumnMatrix(rows: rows, columns: columns)
        for index in 0..<columns { basis[index, index] = 1 }
        // Q is the product of the reflections, applied to the identity from the last to the first.
        work.values.withUnsafeBufferPointer { vectors in
            basis.values.withUnsafeMutableBufferPointer { target in
                for step in (0..<columns).reversed() where factors[step] != 0 {
                    let vector = UnsafeBufferPointer(rebasing: vectors[step * rows..<(step + 1) * rows])
                    for column in step..<columns {
                        let part = UnsafeMutableBufferPointer(rebasing: target[column * rows..<(column + 1) * rows])
                        Self.apply(vector, factors[step], from: step, to: part)
                    }
                }
            }
        }
        self.basis = basis
        coordinates = upper
    }

    /// Makes the values below the diagonal of a column vanish; the reflection's vector (1 on the diagonal) stays there.
    ///
    /// - Returns: The reflection's factor τ in `I − τ v vᵀ`; 0 where nothing is below the diagonal.
    private static func reflect(
        _ values: UnsafeMutableBufferPointer<Double>, rows: Int, columns: Int, step: Int
    ) -> Double {
        let start = step * rows
        // Scaled, so that no square overflows or vanishes.
        var largest = 0.0
        for row in step..<rows { largest = max(largest, abs(values[start + row])) }
        guard largest > 0 else { return 0 }
        var squares = 0.0
        for row in step..<rows {
            let value = values[start + row] / largest
            squares += value * value
        }
        let head = values[start + step]
        let norm = largest * squares.squareRoot()
        guard norm > abs(head) else { return 0 }
        let diagonal = head > 0 ? -norm : norm
        let factor = (diagonal - head) / diagonal
        let divisor = head - diagonal
        for row in step + 1..<rows { values[start + row] /= divisor }
        values[start + step] = 1
        let vector = UnsafeBufferPointer(rebasing: UnsafeBufferPointer(values)[start..<start + rows])
        for column in step + 1..<columns {
            let part = UnsafeMutableBufferPointer(rebasing: values[column * rows..<(column + 1) * rows])
            apply(vector, factor, from: step, to: part)
        }
        values[start + step] = diagonal
        return factor
    }

    /// `part −= τ v (vᵀ part)`, v being 1 at `step` and 0 above it.
    private static func apply(
        _ vector: UnsafeBufferPointer<Double>, _ factor: Double, from step: Int,
        to part: UnsafeMutableBufferPointer<Double>
    ) {
        let below = step + 1..<part.count
        let product =
            factor
            * (part[step]
                + ScalarProduct.of(
                    UnsafeBufferPointer(rebasing: vector[below]),
                    UnsafeBufferPointer(rebasing: UnsafeBufferPointer(part)[below])))
        part[step] -= product
        for row in step + 1..<part.count { part[row] -= product * vector[row] }
    }
}
