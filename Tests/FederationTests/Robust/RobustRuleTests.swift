import Federation
import FixtureFiles
import Foundation
import Testing

/// What numpy says that a chain makes of some updates (`Tests/Fixtures/robust/make.py`).
private struct RuleCase: Decodable, Sendable, CustomTestStringConvertible {
    struct Outcome: Decodable, Sendable {
        let chain: [String]
        let result: [Double]
    }

    let name: String
    let f: Int
    let updates: [[Float]]
    let results: [Outcome]

    var testDescription: String { name }

    static let all: [RuleCase] = {
        let file = URL(filePath: FixtureFiles.path("robust/rules.json"))
        guard let data = try? Data(contentsOf: file), let read = try? JSONDecoder().decode([Self].self, from: data)
        else { preconditionFailure("Tests/Fixtures/robust/rules.json cannot be read") }
        return read
    }()
}

@Suite("Robust rules")
struct RobustRuleTests {
    private func rules(_ rules: RobustRule...) throws -> RobustChain { try #require(RobustChain(rules)) }

    private func aggregate(_ updates: [[Float]], _ chain: RobustChain, f: Int) throws -> [Float] {
        try RobustAggregation(RobustOptions(chain: chain, f: f)).aggregate(updates)
    }

    /// Honest updates around a point, then bad ones far away, each elsewhere.
    private func attacked(honest: Int, bad: Int, count: Int, reach: Float) -> [[Float]] {
        var random = SeededGenerator(state: 11)
        let honest = (0..<honest).map { _ in (0..<count).map { _ in Float.random(in: -1...1, using: &random) + 5 } }
        let bad = (0..<bad).map { place in
            (0..<count).map { _ in Float.random(in: -reach...reach, using: &random) - Float(place) * reach }
        }
        return honest + bad
    }

    private static let final = RobustRule.allCases.filter { !$0.isPreAggregation }
    private static let robust = final.filter { $0 != .mean }

    @Test("agree with their papers' definitions in numpy", arguments: RuleCase.all)
    fileprivate func definitions(_ given: RuleCase) throws {
        for outcome in given.results {
            let chain = try #require(RobustChain(outcome.chain.compactMap { RobustRule(rawValue: $0) }))
            let ours = try aggregate(given.updates, chain, f: given.f)
            let error = zip(ours, outcome.result).map { abs(Double($0) - $1) }.max() ?? .infinity
            #expect(ours.count == outcome.result.count && error < 2e-5, "\(chain): off by \(error)")
        }
    }

    @Test("agree with a plain sort across tiles, for any number of workers", arguments: [1, 2, 3, 17, 100])
    func tiles(workers: Int) throws {
        let updates = attacked(honest: workers, bad: 0, count: 4_096 + 37, reach: 0)
        let f = (workers - 1) / 3
        let median = try aggregate(updates, rules(.median), f: f)
        let trimmed = try aggregate(updates, rules(.trimmedMean), f: f)
        for column in [0, 15, 16, 4_095, 4_096, 4_132] {
            let sorted = updates.map { Double($0[column]) }.sorted()
            let middle = (sorted[(workers - 1) / 2] + sorted[workers / 2]) / 2
            #expect(abs(Double(median[column]) - middle) < 1e-6)
            let kept = sorted[f..<workers - f]
            #expect(abs(Double(trimmed[column]) - kept.reduce(0, +) / Double(kept.count)) < 1e-6)
        }
    }

    @Test("stay near the honest updates, whatever as many others as they withstand send", arguments: robust)
    func breakdown(_ rule: RobustRule) throws {
        let f = 2
        let honest = rule.minimumUpdates(f: f) - f
        for reach: Float in [10, 1e4, 1e15] {
            let updates = attacked(honest: honest, bad: f, count: 40, reach: reach)
            let result = try aggregate(updates, rules(rule), f: f)
            for (column, value) in result.enumerated() {
                let range = updates[..<honest].map { $0[column] }
                let (low, high) = (range.min() ?? 0, range.max() ?? 0)
                // Value by value, or as a whole: within the honest updates' spread of their range.
                switch rule {
                case .median, .trimmedMean, .krum, .multiKrum: #expect(value >= low && value <= high)
                default: #expect(value >= low - 40 && value <= high + 40, "\(value) at a reach of \(reach)")
                }
            }
        }
    }

    @Test("the mean has no such bound, and a chain before it gives it one")
    func mean() throws {
        let updates = attacked(honest: 8, bad: 2, count: 40, reach: 1e6)
        let plain = try aggregate(updates, rules(.mean), f: 2)
        let mixed = try aggregate(updates, rules(.nnm, .mean), f: 2)
        let clipped = try aggregate(updates, rules(.arc, .mean), f: 2)
        #expect(plain.contains { abs($0) > 1_000 })
        #expect(clipped.allSatisfy { abs($0) < 40 })
        // The two bad ones' own mixtures hold them; the others' do not.
        #expect(try aggregate(updates, rules(.nnm, .trimmedMean), f: 2).allSatisfy { $0 > 4 && $0 < 6 })
        #expect(mixed != plain)
    }

    @Test("do not care for the order of workers", arguments: final)
    func permutation(_ rule: RobustRule) throws {
        let updates = attacked(honest: 9, bad: 2, count: 100, reach: 30)
        var random = SeededGenerator(state: 3)
        // Mixing makes groups of equal updates, between which Bulyan's last choices are a matter of rounding.
        for chain in [try rules(rule), try rule == .bulyan ? rules(.arc, rule) : rules(.arc, .nnm, rule)] {
            let expected = try aggregate(updates, chain, f: 2)
            let shuffled = try aggregate(updates.shuffled(using: &random), chain, f: 2)
            #expect(zip(expected, shuffled).allSatisfy { abs($0 - $1) < 1e-4 }, "\(chain)")
        }
        // Sorting leaves no trace of an order at all.
        guard rule == .median || rule == .trimmedMean || rule == .krum else { return }
        let expected = try aggregate(updates, rules(rule), f: 2)
        #expect(try aggregate(updates.shuffled(using: &random), rules(rule), f: 2) == expected)
    }

    @Test("move with the updates", arguments: final.filter { $0 != .centredClipping })
    func translation(_ rule: RobustRule) throws {
        let updates = attacked(honest: 9, bad: 2, count: 64, reach: 30)
        for chain in [try rules(rule), try rules(.nnm, rule)] {
            let moved = try aggregate(updates.map { $0.map { $0 + 16 } }, chain, f: 2)
            let still = try aggregate(updates, chain, f: 2)
            #expect(zip(moved, still).allSatisfy { abs($0 - $1 - 16) < 1e-4 }, "\(chain)")
        }
    }

    @Test("make of equal updates that update, to the bit", arguments: final)
    func unanimity(_ rule: RobustRule) throws {
        let update: [Float] = [0, -1.5, 3, 0.25, 1e-20, -0.0]
        let result = try aggregate([[Float]](repeating: update, count: 11), rules(rule), f: 2)
        // Weights of the iterative rules sum to 1 up to a rounding in Double.
        #expect(zip(result, update).allSatisfy { abs($0 - $1) <= abs($1) * 1e-5 })
        guard rule == .median || rule == .krum else { return }
        #expect(result == update)
    }

    @Test("say how many updates they need, and refuse fewer", arguments: RobustRule.allCases)
    func needs(_ rule: RobustRule) throws {
        let chain = try #require(RobustChain(rule.isPreAggregation ? [rule, .mean] : [rule]))
        for f in 0...3 {
            let needed = [.krum: 2 * f + 3, .multiKrum: 2 * f + 3, .bulyan: 4 * f + 3][rule] ?? 2 * f + 1
            let updates = attacked(honest: needed, bad: 0, count: 3, reach: 0)
            #expect(try aggregate(updates, chain, f: f).count == 3)
            guard needed > 1 else { continue }
            #expect(
                throws: AggregationError.tooFewUpdates(
                    rule: rule, f: f, needed: needed, actual: needed - 1)
            ) { try aggregate(Array(updates.dropLast()), chain, f: f) }
        }
        #expect(throws: AggregationError.noUpdates) { try aggregate([], chain, f: 0) }
    }

    @Test("form a chain only with one deciding rule, at the end, and each but once")
    func chains() throws {
        #expect(RobustChain([]) == nil && RobustChain([.nnm]) == nil && RobustChain([.median, .krum]) == nil)
        #expect(RobustChain([.median, .nnm]) == nil && RobustChain([.nnm, .nnm, .median]) == nil)
        #expect(try rules(.arc, .nnm, .trimmedMean).description == "arc → nnm → trimmed-mean")
        let needed = try rules(.arc, .nnm, .bulyan).minimumUpdates(f: 2)
        #expect(needed.count == 11 && needed.rule == .bulyan)
    }

    @Test("a norm of one's own bounds norm-bound and centred-clipping")
    func norms() throws {
        let updates: [[Float]] = [[3, 4], [0, 1], [0, 30]]
        let bounded = RobustOptions(chain: try rules(.normBound, .mean), f: 1, norm: 2.5)
        let mean = try RobustAggregation(bounded).aggregate(updates)
        #expect(zip(mean, [1.5 / 3, (2 + 1 + 2.5) / 3]).allSatisfy { abs($0 - $1) < 1e-6 })
        // Twenty steps of a third of the radius: farther than that it cannot come.
        let clipped = RobustOptions(chain: try rules(.centredClipping), f: 1, norm: 1e-3)
        let norm = try RobustAggregation(clipped).aggregate(updates).reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(norm > 0 && norm <= 20.001e-3)
    }
}

/// SplitMix64: tests draw the same numbers every time.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
