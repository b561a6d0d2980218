/// A matrix as `left · diag(values) · rightᵀ`: one-sided Jacobi rotations.
///
/// Rotations of pairs of columns make all columns orthogonal; their lengths are the singular values. Meant for small
/// matrices (some hundred columns): it finds small singular values as accurately as large ones, and it is short.
///
/// - SeeAlso: Demmel and Veselić 1992, "Jacobi's method is more accurate than QR".
package struct SingularValues {
    /// `[rows, k]` with orthonormal columns, k the smaller of the matrix's sides.
    package let left: ColumnMatrix
    /// Descending, `[k]`.
    package let values: [Double]
    /// `[columns, k]` with orthonormal columns.
    package let right: ColumnMatrix

    /// Far more than any matrix was seen to need; nothing that is finite may loop for ever.
    private static let sweepsMax = 60

    package init(of matrix: ColumnMatrix) {
        if matrix.rows < matrix.columns {
            let other = SingularValues(of: matrix.transposed)
            (left, values, right) = (other.right, other.values, other.left)
            return
        }
        // Scaled, so that no square overflows or vanishes.
        let size = matrix.values.reduce(0) { max($0, abs($1)) }
        var scaled = matrix
        if size > 0, size.isFinite { for index in scaled.values.indices { scaled.values[index] /= size } }
        // The triangular factor's transpose has nearly orthogonal columns already: fewer sweeps, on shorter columns.
        let outer = OrthonormalBasis(of: scaled)
        let inner = OrthonormalBasis(of: outer.coordinates.transposed)
        var work = inner.coordinates.transposed
        let count = work.columns
        var rotations = ColumnMatrix(rows: count, columns: count)
        for index in 0..<count { rotations[index, index] = 1 }
        work.values.withUnsafeMutableBufferPointer { work in
            rotations.values.withUnsafeMutableBufferPointer { rotations in
                Self.orthogonalise(work, rotations, count: count)
            }
        }
        let lengths = (0..<count).map { Self.length(work.column($0)) }
        let order = (0..<count).sorted { lengths[$0] != lengths[$1] ? lengths[$0] > lengths[$1] : $0 < $1 }
        let sorted = order.map { lengths[$0] }
        let floor = (sorted.first ?? 0) * Double(count) * .ulpOfOne
        var directions = ColumnMatrix(rows: work.rows, columns: count)
        var turned = ColumnMatrix(rows: count, columns: count)
        for (place, index) in order.enumerated() {
            turned.values.replaceSubrange(place * count..<(place + 1) * count, with: rotations.column(index))
            guard sorted[place] > floor else { continue }
            let column = work.column(index).map { $0 / sorted[place] }
            directions.values.replaceSubrange(place * work.rows..<(place + 1) * work.rows, with: column)
        }
        Self.complete(&directions, from: sorted.firstIndex { !($0 > floor) } ?? count)
        // matrix = outer.basis · (inner.basis · inner.coordinates)ᵀ, and inner.coordinatesᵀ was decomposed.
        left = outer.basis * directions
        values = size > 0 ? sorted.map { $0 * size } : sorted
        right = inner.basis * turned
    }

    /// Rotates pairs of columns until each is orthogonal to each, relative to their lengths.
    private static func orthogonalise(
        _ work: UnsafeMutableBufferPointer<Double>, _ rotations: UnsafeMutableBufferPointer<Double>, count: Int
    ) {
        var squares = [Double](repeating: 0, count: count)
        for _ in 0..<sweepsMax {
            var isDone = true
            for index in 0..<count { squares[index] = dot(work, index, index, count) }
            let floor = (squares.max() ?? 0) * .ulpOfOne * .ulpOfOne
            for p in 0..<max(0, count - 1) {
                for q in p + 1..<count {
                    guard squares[p] > floor, squares[q] > floor else { continue }
                    let product = dot(work, p, q, count)
                    guard abs(product) > 4 * .ulpOfOne * (squares[p] * squares[q]).squareRoot() else { continue }
                    isDone = false
                    let cotangent = (squares[q] - squares[p]) / (2 * product)
                    let tangent =
                        (cotangent < 0 ? -1.0 : 1) / (abs(cotangent) + (1 + cotangent * cotangent).squareRoot())
                    let cosine = 1 / (1 + tangent * tangent).squareRoot()
                    rotate(work, p, q, count, cosine, cosine * tangent)
                    rotate(rotations, p, q, count, cosine, cosine * tangent)
                    squares[p] = dot(work, p, p, count)
                    squares[q] = dot(work, q, q, count)
                }
            }
            if isDone { return }
        }
    }

    private static func dot(
        _ values: UnsafeMutableBufferPointer<Double>, _ p: Int, _ q: Int, _ count: Int
    ) -> Double {
        let values = UnsafeBufferPointer(values)
        return ScalarProduct.of(
            UnsafeBufferPointer(rebasing: values[p * count..<(p + 1) * count]),
            UnsafeBufferPointer(rebasing: values[q * count..<(q + 1) * count]))
    }

    private static func rotate(
        _ values: UnsafeMutableBufferPointer<Double>, _ p: Int, _ q: Int, _ count: Int, _ cosine: Double, _ sine: Double
    ) {
        let (first, second) = (p * count, q * count)
        for index in 0..<count {
            let (x, y) = (values[first + index], values[second + index])
            values[first + index] = cosine * x - sine * y
            values[second + index] = sine * x + cosine * y
        }
    }

    private static func length(_ column: ArraySlice<Double>) -> Double {
        column.withUnsafeBufferPointer { ScalarProduct.of($0, $0) }.squareRoot()
    }

    /// Gives the columns from `first` on, whose singular values are 0, directions orthogonal to all others.
    private static func complete(_ matrix: inout ColumnMatrix, from first: Int) {
        for place in first..<max(first, matrix.columns) {
            // The unit vector that the columns so far cover least.
            var covered = [Double](repeating: 0, count: matrix.rows)
            for column in 0..<place {
                for (row, value) in matrix.column(column).enumerated() { covered[row] += value * value }
            }
            let free = covered.indices.min { covered[$0] < covered[$1] } ?? 0
            var vector = [Double](repeating: 0, count: matrix.rows)
            vector[free] = 1
            for _ in 0..<2 {
                for column in 0..<place {
                    let known = matrix.column(column)
                    let product = zip(known, vector).reduce(0) { $0 + $1.0 * $1.1 }
                    for (row, value) in known.enumerated() { vector[row] -= product * value }
                }
            }
            let norm = length(vector[...])
            matrix.values.replaceSubrange(
                place * matrix.rows..<(place + 1) * matrix.rows, with: vector.map { $0 / norm })
        }
    }
}
