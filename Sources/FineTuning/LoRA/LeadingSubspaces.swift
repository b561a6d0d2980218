internal import Randomness

/// The leading singular vectors of a matrix by randomised subspace iteration (Halko, Martinsson and Tropp,
/// arXiv:0909.4061), in Double with a fixed order of operations: the same bits on every machine.
struct LeadingSubspaces {
    /// Left vectors, `[rows, rank]` row-major with orthonormal columns.
    let left: [Double]
    /// Right vectors, `[columns, rank]` row-major with orthonormal columns.
    let right: [Double]

    /// Vectors beyond the rank, which make the leading ones accurate.
    private static let oversampling = 8
    private static let iterations = 4

    /// - Parameters:
    ///   - matrix: `[rows, columns]` row-major.
    ///   - rank: At most the smaller side.
    ///   - random: Where the first directions come from.
    init(of matrix: [Float], rows: Int, columns: Int, rank: Int, random: inout CounterRandom) {
        precondition(matrix.count == rows * columns && rank >= 1 && rank <= min(rows, columns), "rank \(rank)")
        let width = min(rank + Self.oversampling, rows, columns)
        var right = Panel(rows: columns, width: width) { Double(random.uniform()) - 0.5 }
        var left = Panel(rows: rows, width: width) { 0 }
        for _ in 0..<Self.iterations {
            left = right.multiplied(by: matrix, rows: rows, columns: columns)
            left.orthonormalise(&random)
            right = left.multiplied(byTransposed: matrix, rows: rows, columns: columns)
            right.orthonormalise(&random)
        }
        left = right.multiplied(by: matrix, rows: rows, columns: columns)
        // W ≈ (W Q) Qᵀ: the singular vectors of the tall W Q, turned back by Q.
        let turn = SymmetricEigenvectors(of: left.gram, size: width).descending
        left = left.turned(by: turn, keeping: rank)
        left.orthonormalise(&random)
        right = right.turned(by: turn, keeping: rank)
        self.left = left.values
        self.right = right.values
    }
}

/// A few columns side by side, `[rows, width]` row-major.
private struct Panel {
    let rows: Int
    let width: Int
    var values: [Double]

    init(rows: Int, width: Int, _ value: () -> Double) {
        self.rows = rows
        self.width = width
        values = (0..<rows * width).map { _ in value() }
    }

    /// `matrix · self`
    func multiplied(by matrix: [Float], rows: Int, columns: Int) -> Panel {
        var product = Panel(rows: rows, width: width) { 0 }
        for row in 0..<rows {
            for column in 0..<columns {
                product.add(self, row: column, times: Double(matrix[row * columns + column]), to: row)
            }
        }
        return product
    }

    /// `matrixᵀ · self`
    func multiplied(byTransposed matrix: [Float], rows: Int, columns: Int) -> Panel {
        var product = Panel(rows: columns, width: width) { 0 }
        for row in 0..<rows {
            for column in 0..<columns {
                product.add(self, row: row, times: Double(matrix[row * columns + column]), to: column)
            }
        }
        return product
    }

    private mutating func add(_ other: Panel, row: Int, times factor: Double, to target: Int) {
        let (from, to) = (row * width, target * width)
        for index in 0..<width { values[to + index] += factor * other.values[from + index] }
    }

    /// `selfᵀ · self`, `[width, width]`
    var gram: [Double] {
        var gram = [Double](repeating: 0, count: width * width)
        for row in 0..<rows {
            for first in 0..<width {
                let value = values[row * width + first]
                for second in 0..<width { gram[first * width + second] += value * values[row * width + second] }
            }
        }
        return gram
    }

    /// `self · turn` with the first `count` columns of `turn`, `[width, width]`.
    func turned(by turn: [Double], keeping count: Int) -> Panel {
        var product = Panel(rows: rows, width: count) { 0 }
        for row in 0..<rows {
            for inner in 0..<width {
                let value = values[row * width + inner]
                for column in 0..<count { product.values[row * count + column] += value * turn[inner * width + column] }
            }
        }
        return product
    }

    /// Gram-Schmidt, each column twice; one that depends on those before it is drawn anew.
    mutating func orthonormalise(_ random: inout CounterRandom) {
        for column in 0..<width {
            while true {
                let before = length(column)
                for _ in 0..<2 {
                    for other in 0..<column {
                        var product = 0.0
                        for row in 0..<rows { product += values[row * width + other] * values[row * width + column] }
                        for row in 0..<rows { values[row * width + column] -= product * values[row * width + other] }
                    }
                }
                let after = length(column)
                if after > 1e-10 * before {
                    for row in 0..<rows { values[row * width + column] /= after }
                    break
                }
                for row in 0..<rows { values[row * width + column] = Double(random.uniform()) - 0.5 }
            }
        }
    }

    private func length(_ column: Int) -> Double {
        (0..<rows).reduce(0) { $0 + values[$1 * width + column] * values[$1 * width + column] }.squareRoot()
    }
}

/// Eigenvectors of a small symmetric matrix by Jacobi's rotations.
private struct SymmetricEigenvectors {
    /// `[size, size]` row-major: columns are eigenvectors, by falling eigenvalue.
    let descending: [Double]

    private static let sweepsMax = 60

    init(of matrix: [Double], size: Int) {
        var a = matrix
        var vectors = (0..<size * size).map { $0 / size == $0 % size ? 1.0 : 0.0 }
        for _ in 0..<Self.sweepsMax {
            var (off, diagonal) = (0.0, 0.0)
            for row in 0..<size {
                for column in 0..<size {
                    let square = a[row * size + column] * a[row * size + column]
                    if row == column { diagonal += square } else { off += square }
                }
            }
            if off <= 1e-30 * diagonal { break }
            for p in 0..<size {
                for q in p + 1..<max(p + 1, size) where a[p * size + q] != 0 {
                    let theta = (a[q * size + q] - a[p * size + p]) / (2 * a[p * size + q])
                    let t = (theta < 0 ? -1 : 1) / (theta.magnitude + (theta * theta + 1).squareRoot())
                    let c = 1 / (t * t + 1).squareRoot()
                    Self.rotate(&a, &vectors, size, p, q, c: c, s: t * c)
                }
            }
        }
        let order = (0..<size).sorted { a[$0 * size + $0] > a[$1 * size + $1] }
        var sorted = vectors
        for row in 0..<size {
            for (place, column) in order.enumerated() { sorted[row * size + place] = vectors[row * size + column] }
        }
        descending = sorted
    }

    private static func rotate(
        _ a: inout [Double], _ vectors: inout [Double], _ size: Int, _ p: Int, _ q: Int, c: Double, s: Double
    ) {
        for index in 0..<size {
            let (left, right) = (a[index * size + p], a[index * size + q])
            a[index * size + p] = c * left - s * right
            a[index * size + q] = s * left + c * right
        }
        for index in 0..<size {
            let (upper, lower) = (a[p * size + index], a[q * size + index])
            a[p * size + index] = c * upper - s * lower
            a[q * size + index] = s * upper + c * lower
        }
        for index in 0..<size {
            let (left, right) = (vectors[index * size + p], vectors[index * size + q])
            vectors[index * size + p] = c * left - s * right
            vectors[index * size + q] = s * left + c * right
        }
    }
}
