import Auditing
import Federation
import FixtureFiles
import Foundation
import Testing

/// `Fixtures/auditing/audits.json`: numpy's and scipy's answers.
private struct Expected: Decodable {
    struct Bound: Decodable {
        let canaries, guesses, correct: Int
        let delta, failure, epsilon: Double
    }

    struct Curve: Decodable {
        struct Rate: Decodable { let at, rate: Double }

        let members, others: [Double]
        let area: Double
        let rates: [Rate]
    }

    struct Spread: Decodable {
        let losses: [Double]
        let mean, median, deviation, worstDecile, worst, best: Double
    }

    let bounds: [Bound]
    let curves: [Curve]
    let spreads: [Spread]

    static func load() throws -> Expected {
        try JSONDecoder().decode(
            Expected.self, from: Data(contentsOf: URL(filePath: FixtureFiles.path("auditing/audits.json"))))
    }
}

@Suite("An audit's statistics")
struct StatisticsTests {
    @Test(
        "guesses that are all right refute what the closed form says",
        arguments: [(50, 2.785), (100, 3.493), (1_000, 5.809)])
    func allRight(_ guesses: Int, _ expected: Double) {
        let epsilon = OneRunBound.epsilon(canaries: guesses, guesses: guesses, correct: guesses, delta: 0)
        #expect(abs(epsilon - expected) < 5e-4)
        // P[all right] = (1 + e^−ε)^−m = 0.05
        let closed = -log(pow(0.05, -1 / Double(guesses)) - 1)
        #expect(abs(epsilon - closed) < 1e-9 * closed)
    }

    @Test("the lower bound on epsilon is that of the paper's own program")
    func bounds() throws {
        let expected = try Expected.load().bounds
        #expect(expected.count > 60 && expected.contains { $0.epsilon == 0 } && expected.contains { $0.epsilon > 3 })
        for row in expected {
            let epsilon = OneRunBound.epsilon(
                canaries: row.canaries, guesses: row.guesses, correct: row.correct, delta: row.delta,
                confidence: 1 - row.failure)
            #expect(abs(epsilon - row.epsilon) < 1e-6 * max(1, row.epsilon), "\(row)")
        }
    }

    @Test("curves are numpy's, ties and tiny rates included")
    func curves() throws {
        for row in try Expected.load().curves {
            let curve = OperatingCurve(members: row.members, others: row.others)
            #expect(abs(curve.area - row.area) < 1e-12)
            for rate in row.rates {
                guard rate.at * Double(row.others.count) >= 1 - 1e-9 else { continue }
                let found = try #require(curve.truePositiveRate(atFalsePositiveRate: rate.at))
                #expect(abs(found - rate.rate) < 1e-12, "at \(rate.at)")
            }
        }
    }

    @Test("a rate that the others are too few for has no answer")
    func unresolved() {
        let scores = (0..<1_000).map(Double.init)
        for (count, rate) in [(8, 0.01), (99, 0.01), (100, 0.001), (999, 0.001)] {
            let curve = OperatingCurve(members: [2_000, 3_000], others: Array(scores.prefix(count)))
            #expect(curve.truePositiveRate(atFalsePositiveRate: rate) == nil, "\(count)")
        }
        for (count, rate) in [(100, 0.01), (1_000, 0.001)] {
            let curve = OperatingCurve(members: [2_000, 3_000], others: Array(scores.prefix(count)))
            #expect(curve.truePositiveRate(atFalsePositiveRate: rate) == 1)
        }
    }

    @Test("a loss spread is numpy's")
    func spreads() throws {
        for row in try Expected.load().spreads {
            let spread = LossSpread(row.losses)
            let pairs = [
                (spread.mean, row.mean), (spread.median, row.median), (spread.deviation, row.deviation),
                (spread.worstDecile, row.worstDecile), (spread.worst, row.worst), (spread.best, row.best),
            ]
            for (value, expected) in pairs { #expect(abs(value - expected) < 1e-12) }
            #expect(spread.workers == row.losses.count)
        }
    }

    @Test("exposure counts bits from the rank among what was left out")
    func exposure() {
        let reference = [4.0, 1, 3, 2, 5, 6, 7]
        #expect(Exposure.bits(loss: 0, among: reference) == 3)
        #expect(Exposure.bits(loss: 1.5, among: reference) == 2)
        #expect(Exposure.bits(loss: 3.5, among: reference) == 1)
        #expect(Exposure.bits(loss: 9, among: reference) == 0)
        // A tie proves nothing.
        #expect(Exposure.bits(loss: 1, among: reference) == 2)
    }

    @Test("the scores are means over the tokens they look at")
    func scores() {
        let (tuned, base) = ([1.0, 4, 2, 3, 0, 0, 0, 0, 0, 0], [Double](repeating: 2, count: 10))
        #expect(MembershipScore.loss.score(tuned: tuned, base: base) == -1)
        #expect(MembershipScore.lossRatio.score(tuned: tuned, base: base) == 1)
        #expect(MembershipScore.minK.score(tuned: tuned, base: base) == -3.5)
        // Of one token, that token.
        #expect(MembershipScore.minK.score(tuned: [5], base: [1]) == -5)
    }

    @Test("guesses take the surest on both sides, and ties as they come")
    func guesses() {
        let canaries = [(3.0, true), (1, false), (2, false), (0, true), (2.5, true)].map {
            (score: $0.0, isInserted: $0.1)
        }
        #expect(CanaryGuesses(of: canaries, count: 2).correct == 1)
        #expect(CanaryGuesses(of: canaries, count: 4).correct == 3)
        #expect(CanaryGuesses(of: canaries, count: 5).correct == 3)
        let equal = (0..<4).map { (score: 1.0, isInserted: $0 < 2) }
        #expect(CanaryGuesses(of: equal, count: 4).correct == 4)
    }
}
