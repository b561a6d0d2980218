import FixtureFiles
import Foundation

/// `Fixtures/masks/secure-aggregation.json`, which `make.py` beside it computed with Python's integers and fractions.
struct SecureAggregationFixture: Decodable {
    struct Field: Decodable {
        let a, b, sum, difference, product, inverse: UInt64
    }

    struct Shamir: Decodable {
        let threshold: Int
        let points: [UInt32]
        let secret: String
        let shares: [String]
    }

    struct Tail: Decodable {
        let least, population, marked, draws: Int
        let probability: Double
    }

    struct Degree: Decodable {
        let cohort: Int
        let corrupt, dropout: Double
        /// 0 where no number of neighbours is enough.
        let neighbours, threshold: Int
    }

    struct Tree: Decodable {
        let entries: [String]
        let root: String
    }

    struct Packed: Decodable {
        let bits: Int
        let words: [UInt32]
        let bytes: String
    }

    let field: [Field]
    let shamir: [Shamir]
    let tails: [Tail]
    let degrees: [Degree]
    let trees: [Tree]
    let packed: [Packed]

    static func load() throws -> SecureAggregationFixture {
        try JSONDecoder().decode(
            SecureAggregationFixture.self,
            from: Data(contentsOf: URL(filePath: FixtureFiles.path("masks/secure-aggregation.json"))))
    }
}

/// Hexadecimal digits as they stand in papers: spaces and line ends do not count.
func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = hexadecimal.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}
