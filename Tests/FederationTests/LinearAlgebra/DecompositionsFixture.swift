import Federation
import FixtureFiles
import Foundation
import Randomness

/// `Tests/Fixtures/mixing/decompositions.json`, made by `make.py` there with numpy.
struct DecompositionsFixture: Decodable {
    struct Matrix: Decodable {
        let name: String
        let rows: Int
        let columns: Int
        let rowMajor: [Double]
        let singularValues: [Double]

        var matrix: ColumnMatrix { ColumnMatrix(rows: columns, columns: rows, values: rowMajor).transposed }
    }

    struct Product: Decodable {
        struct Worker: Decodable {
            let rank: Int
            let weight: Double
            let a: [Double]
            let b: [Double]
        }

        let outputs: Int
        let inputs: Int
        let alpha: Double
        let workers: [Worker]
        /// The weighted mean of the scaled products, row-major.
        let mean: [Double]
        /// Its best approximations by rank, row-major.
        let best: [String: [Double]]
    }

    let matrices: [Matrix]
    let product: Product

    static func load() throws -> DecompositionsFixture {
        let data = try Data(contentsOf: URL(fileURLWithPath: FixtureFiles.path("mixing/decompositions.json")))
        return try JSONDecoder().decode(DecompositionsFixture.self, from: data)
    }
}

/// The largest absolute difference.
func largestDifference(_ left: [Double], _ right: [Double]) -> Double {
    guard left.count == right.count else { return .infinity }
    return zip(left, right).reduce(0) { max($0, abs($1.0 - $1.1)) }
}

extension ColumnMatrix {
    /// Normal numbers, `[rows, columns]`.
    static func random(_ rows: Int, _ columns: Int, key: UInt64) -> ColumnMatrix {
        var random = CounterRandom(key: key)
        return ColumnMatrix(
            rows: rows, columns: columns, values: (0..<rows * columns).map { _ in Double(random.normal()) })
    }

    /// By the definition, one sum an element.
    func naiveProduct(_ other: ColumnMatrix) -> ColumnMatrix {
        var result = ColumnMatrix(rows: rows, columns: other.columns)
        for row in 0..<rows {
            for column in 0..<other.columns {
                result[row, column] = (0..<columns).reduce(0) { $0 + self[row, $1] * other[$1, column] }
            }
        }
        return result
    }

    /// How far `selfᵀ · self` is from the identity.
    var departureFromOrthonormal: Double {
        let gram = transposed.naiveProduct(self)
        var worst = 0.0
        for row in 0..<columns {
            for column in 0..<columns { worst = max(worst, abs(gram[row, column] - (row == column ? 1 : 0))) }
        }
        return worst
    }
}
