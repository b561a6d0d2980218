/// A sum of low-rank products, `Σ wᵢ BᵢAᵢ`, as the stack of its factors: `[w₁B₁ w₂B₂ …] · [A₁; A₂; …]`.
///
/// The product is not formed while the stack is smaller than it. A stack that outgrows it (many workers, small layers: more
/// columns than the shorter of `outputs` and `inputs`) is replaced by the product itself over the standard basis of that
/// side. That is what a QR decomposition of the side's factor comes to there: it is wider than tall, so its basis spans all
/// of the side, and what stays behind any such basis has the product's size. Nothing shorter is exact, as the sum may have
/// full rank by then. So a sum holds at most twice as many values as the product, and a term, whatever the number of terms.
package struct LowRankSum: Sendable {
    package let outputs: Int
    package let inputs: Int
    /// `[outputs, rank]`
    private var left: ColumnMatrix
    /// `[inputs, rank]`
    private var right: ColumnMatrix

    package init(outputs: Int, inputs: Int) {
        self.outputs = outputs
        self.inputs = inputs
        left = ColumnMatrix(rows: outputs, columns: 0)
        right = ColumnMatrix(rows: inputs, columns: 0)
    }

    /// Columns of the stack.
    package var rank: Int { left.columns }

    /// Adds `weight · B · A`.
    ///
    /// - Parameters:
    ///   - b: `[outputs, rank]`, row-major.
    ///   - a: `[rank, inputs]`, row-major.
    package mutating func add(b: [Double], a: [Double], weight: Double) {
        let rank = a.count / inputs
        precondition(b.count == outputs * rank && a.count == rank * inputs, "factors of different ranks")
        var columns = [Double](repeating: 0, count: b.count)
        for row in 0..<outputs {
            for column in 0..<rank { columns[column * outputs + row] = weight * b[row * rank + column] }
        }
        left.append(columns)
        right.append(a)
        if left.columns * (outputs + inputs) > 2 * outputs * inputs { formProduct() }
    }

    package var isFinite: Bool { left.values.allSatisfy(\.isFinite) && right.values.allSatisfy(\.isFinite) }

    package mutating func scale(by factor: Double) {
        for index in left.values.indices { left.values[index] *= factor }
    }

    /// The sum's singular values and vectors.
    package func decomposed() -> LowRankDecomposition {
        let (left, right) = (OrthonormalBasis(of: left), OrthonormalBasis(of: right))
        let core = SingularValues(of: left.coordinates * right.coordinates.transposed)
        return LowRankDecomposition(
            left: left.basis * core.left, values: core.values, right: right.basis * core.right)
    }

    private mutating func formProduct() {
        let product = left * right.transposed
        if outputs <= inputs {
            left = Self.identity(outputs)
            right = product.transposed
        } else {
            left = product
            right = Self.identity(inputs)
        }
    }

    private static func identity(_ size: Int) -> ColumnMatrix {
        var matrix = ColumnMatrix(rows: size, columns: size)
        for index in 0..<size { matrix[index, index] = 1 }
        return matrix
    }
}

/// `left · diag(values) · rightᵀ`, from which the best approximation of any rank can be read off (Eckart and Young).
package struct LowRankDecomposition: Sendable {
    /// `[outputs, k]`, orthonormal columns.
    package let left: ColumnMatrix
    /// Descending, `[k]`.
    package let values: [Double]
    /// `[inputs, k]`, orthonormal columns.
    package let right: ColumnMatrix

    /// The factors `B = U Σ · factorB` and `A = Vᵀ` of the leading `rank` singular values; zeros where there are
    /// fewer.
    ///
    /// - Returns: B `[outputs, rank]` and A `[rank, inputs]`, row-major, float32.
    package func factors(rank: Int, factorB: Double) -> (b: [Float], a: [Float]) {
        var b = [Float](repeating: 0, count: left.rows * rank)
        var a = [Float](repeating: 0, count: right.rows * rank)
        for index in 0..<min(rank, values.count) {
            for row in 0..<left.rows { b[row * rank + index] = Float(factorB * values[index] * left[row, index]) }
            for column in 0..<right.rows { a[index * right.rows + column] = Float(right[column, index]) }
        }
        return (b, a)
    }

    /// The squared Frobenius norm of what the leading `rank` singular values leave out.
    func squaredRemainder(rank: Int) -> Double {
        values.dropFirst(rank).reduce(0) { $0 + $1 * $1 }
    }

    var squaredNorm: Double { squaredRemainder(rank: 0) }

    /// Singular values above what float32 factors can tell from nothing.
    var numericalRank: Int {
        let floor = (values.first ?? 0) * 1e-8
        return values.count { $0 > floor && $0 > 0 }
    }
}
