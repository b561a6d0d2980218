import Federation
import Foundation
import Testing

/// What a naive matrix computation says of the same.
private struct NaiveRoot {
    let rows: [[Double]]

    /// C, `rounds` × `rounds`, from binomial coefficients: c_k = (2k)! / (4^k k!²).
    init(bands: Int, rounds: Int) {
        rows = (0..<rounds).map { row in
            (0..<rounds).map { column in
                let lag = row - column
                guard (0..<bands).contains(lag) else { return 0 }
                return exp(lgamma(Double(2 * lag) + 1) - 2 * lgamma(Double(lag) + 1) - Double(lag) * log(4))
            }
        }
    }

    func times(_ other: [[Double]]) -> [[Double]] {
        rows.map { row in
            other[0].indices.map { column in zip(row, other).reduce(0) { $0 + $1.0 * $1.1[column] } }
        }
    }

    /// By forward substitution.
    var inverse: [[Double]] {
        rows.indices.reduce(into: []) { inverse, row in
            inverse.append(
                rows.indices.map { column in
                    let known = (0..<row).reduce(0) { $0 + rows[row][$1] * inverse[$1][column] }
                    return ((row == column ? 1 : 0) - known) / rows[row][row]
                })
        }
    }
}

@Suite("Noise correlated over rounds")
struct CorrelatedNoiseTests {
    @Test("with a band for every round, C is the square root of the matrix that sums rounds")
    func squareRoot() {
        let root = BandedSquareRoot(bands: 12)
        let square = NaiveRoot(bands: 12, rounds: 12)
        for (lag, coefficient) in root.coefficients.enumerated() {
            #expect(abs(coefficient - square.rows[11][11 - lag]) < 1e-12)
        }
        let sums = square.times(square.rows)
        for row in 0..<12 {
            for column in 0..<12 { #expect(abs(sums[row][column] - (row >= column ? 1 : 0)) < 1e-12) }
        }
    }

    @Test("C times the noise of all rounds gives the independent noise back", arguments: [1, 2, 5, 20])
    func inverse(bands: Int) throws {
        let rounds = 20
        let naive = NaiveRoot(bands: bands, rounds: rounds)
        var noise = CorrelatedNoise(BandedSquareRoot(bands: bands))
        var generator = SystemRandomNumberGenerator()
        let independent = (0..<rounds).map { _ in (0..<3).map { _ in Double.random(in: -1...1, using: &generator) } }
        let correlated = independent.map { values in
            // Drawn for a round that was not published: it leaves no trace.
            _ = noise.next(values.map { -$0 })
            let next = noise.next(values)
            noise.published(next)
            return next
        }
        for (row, expected) in zip(naive.times(correlated), independent) {
            for (value, expected) in zip(row, expected) { #expect(abs(value - expected) < 1e-5) }
        }
    }

    @Test("a worker that rests as long as the bands reach moves Cx by at most the square root of its turns")
    func sensitivity() {
        let (bands, rounds) = (4, 18)
        let naive = NaiveRoot(bands: bands, rounds: rounds)
        let norm = BandedSquareRoot(bands: bands).columnNorm
        // Every set of rounds that are at least four apart.
        var worst = [Int: Double]()
        for pattern in 0..<(1 << rounds) {
            let taken = (0..<rounds).filter { pattern >> $0 & 1 == 1 }
            guard zip(taken, taken.dropFirst()).allSatisfy({ $1 - $0 >= bands }), !taken.isEmpty else { continue }
            let moved = naive.rows.map { row in taken.reduce(0) { $0 + row[$1] } }
            let length = moved.reduce(0) { $0 + $1 * $1 }.squareRoot()
            worst[taken.count] = max(worst[taken.count] ?? 0, length)
        }
        #expect(worst.keys.max() == 5)
        for (turns, length) in worst {
            #expect(length <= norm * Double(turns).squareRoot() + 1e-9)
            if turns <= 4 { #expect(abs(length - norm * Double(turns).squareRoot()) < 1e-9) }
        }
    }

    @Test("the noise on one round and on sums of rounds is that of the matrices", arguments: [1, 3, 7, 12])
    func deviations(bands: Int) {
        let rounds = 12
        let root = BandedSquareRoot(bands: bands)
        let inverse = NaiveRoot(bands: bands, rounds: rounds).inverse
        func rootMeanSquare(_ rows: [[Double]]) -> Double {
            (rows.flatMap { $0 }.reduce(0) { $0 + $1 * $1 } / Double(rounds)).squareRoot() * root.columnNorm
        }
        let sums = inverse.indices.map { last in
            (0..<rounds).map { column in (0...last).reduce(0) { $0 + inverse[$1][column] } }
        }
        #expect(abs(root.roundDeviation(rounds: rounds) - rootMeanSquare(inverse)) < 1e-9)
        #expect(abs(root.sumDeviation(rounds: rounds) - rootMeanSquare(sums)) < 1e-9)
    }

    @Test("the best root has less noise in its sums than independent noise, and none is better")
    func best() {
        #expect(BandedSquareRoot.best(separation: 1, rounds: 50).bands == 1)
        let best = BandedSquareRoot.best(separation: 20, rounds: 100)
        #expect(best.bands > 1 && best.bands <= 20)
        for bands in 1...20 {
            #expect(
                best.sumDeviation(rounds: 100) <= BandedSquareRoot(bands: bands).sumDeviation(rounds: 100) + 1e-12)
        }
        #expect(best.sumDeviation(rounds: 100) < 0.4 * BandedSquareRoot(bands: 1).sumDeviation(rounds: 100))
    }

    @Test("a plan's epsilon is the closed form of one Gaussian release", arguments: [(40, 10), (41, 10), (30, 30)])
    func plan(_ rounds: Int, _ separation: Int) throws {
        let plan = try PrivacyPlan(
            epsilon: 3, delta: 1e-5, workers: 600, perRound: 20, rounds: rounds, parameters: 100,
            separation: separation)
        let turns = Double((rounds + separation - 1) / separation)
        // Balle and Wang 2018 (arXiv:1805.06530), theorem 8, at noise z / √turns.
        let mu = turns.squareRoot() / plan.noiseMultiplier
        func below(_ x: Double) -> Double { erfc(-x / 2.0.squareRoot()) / 2 }
        let epsilon = plan.epsilonSpent
        let delta = below(mu / 2 - epsilon / mu) - exp(epsilon) * below(-mu / 2 - epsilon / mu)
        #expect(abs(delta / 1e-5 - 1) < 0.02)
        #expect(epsilon <= 3 && epsilon > 2.99)
    }
}
