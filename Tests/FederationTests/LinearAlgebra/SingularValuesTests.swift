import Federation
import Testing

@Suite("Singular values")
struct SingularValuesTests {
    @Test("are numpy's")
    func values() throws {
        for given in try DecompositionsFixture.load().matrices {
            let found = SingularValues(of: given.matrix)
            let largest = max(given.singularValues.first ?? 0, 1e-300)
            #expect(largestDifference(found.values, given.singularValues) < 1e-13 * largest, "\(given.name)")
        }
    }

    @Test("of a graded matrix are accurate to the smallest")
    func graded() throws {
        let graded = try #require(try DecompositionsFixture.load().matrices.first { $0.name == "graded" })
        let found = SingularValues(of: graded.matrix).values
        for (index, value) in found.enumerated() {
            // Made as 1, 1e-2, …, 1e-10; the matrix itself was rounded at 1e-16.
            let made = [1, 1e-2, 1e-4, 1e-6, 1e-8, 1e-10][index]
            #expect(abs(value - made) < 2e-15)
        }
    }

    /// Shapes of a stack's core, and those at the edges.
    static let shapes = [
        (1, 1), (1, 7), (7, 1), (5, 5), (20, 8), (8, 20), (40, 40), (64, 32), (3, 0), (90, 64),
    ]

    @Test("give orthonormal vectors and the matrix back", arguments: shapes)
    func laws(_ rows: Int, _ columns: Int) {
        let matrix = ColumnMatrix.random(rows, columns, key: UInt64(rows * 100 + columns))
        check(matrix)
        // Rank deficient: the missing directions are made up, and still orthonormal.
        let thin = min(rows, columns) / 2
        check(ColumnMatrix.random(rows, thin, key: 3).naiveProduct(ColumnMatrix.random(thin, columns, key: 4)))
    }

    @Test("survive values whose squares overflow or vanish", arguments: [1e160, 1e-160])
    func extremes(_ size: Double) {
        var matrix = ColumnMatrix.random(6, 4, key: 9)
        let plain = SingularValues(of: matrix)
        for index in matrix.values.indices { matrix.values[index] *= size }
        let found = SingularValues(of: matrix)
        #expect(largestDifference(found.values.map { $0 / size }, plain.values) < 1e-12)
        #expect(found.left.departureFromOrthonormal < 1e-12)
    }

    private func check(_ matrix: ColumnMatrix) {
        let found = SingularValues(of: matrix)
        let count = min(matrix.rows, matrix.columns)
        #expect(found.values.count == count && found.left.columns == count && found.right.columns == count)
        #expect(zip(found.values, found.values.dropFirst()).allSatisfy { $0 >= $1 })
        #expect(found.left.departureFromOrthonormal < 1e-12)
        #expect(found.right.departureFromOrthonormal < 1e-12)
        var scaled = found.left
        for column in 0..<count {
            for row in 0..<matrix.rows { scaled[row, column] *= found.values[column] }
        }
        let back = scaled.naiveProduct(found.right.transposed)
        #expect(largestDifference(back.values, matrix.values) < 1e-12 * max(1, found.values.first ?? 0))
    }
}

@Suite("An orthonormal basis")
struct OrthonormalBasisTests {
    @Test("spans the columns, triangular in its coordinates", arguments: [(5, 5), (9, 4), (4, 9), (30, 1), (3, 0)])
    func laws(_ rows: Int, _ columns: Int) {
        let matrix = ColumnMatrix.random(rows, columns, key: UInt64(rows + columns))
        let found = OrthonormalBasis(of: matrix)
        #expect(found.basis.departureFromOrthonormal < 1e-14 * Double(max(rows, 10)))
        let back = found.basis.naiveProduct(found.coordinates)
        #expect(largestDifference(back.values, matrix.values) < 1e-13)
        guard rows >= columns else { return }
        for column in 0..<columns {
            for row in column + 1..<max(columns, column + 1) { #expect(found.coordinates[row, column] == 0) }
        }
    }

    @Test("exists for columns that are zero or equal")
    func deficient() {
        let matrix = ColumnMatrix(rows: 3, columns: 3, values: [0, 0, 0, 1, 2, 2, 1, 2, 2])
        let found = OrthonormalBasis(of: matrix)
        #expect(found.basis.departureFromOrthonormal < 1e-14)
        #expect(largestDifference(found.basis.naiveProduct(found.coordinates).values, matrix.values) < 1e-14)
    }
}
