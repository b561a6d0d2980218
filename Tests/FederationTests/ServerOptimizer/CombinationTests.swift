import Federation
import Foundation
import Randomness
import Testing

@Suite("Making one update of many")
struct CombinationTests {
    private func combine(
        _ strategy: ServerStrategy, _ updates: [(values: [Float], report: UpdateReport)]
    ) throws -> [Float] {
        var combination = strategy.combination(parameterCount: updates.first?.values.count ?? 0)
        for update in updates { combination.add(update.values, from: update.report) }
        return try combination.finish()
    }

    /// Of three workers with different weights, steps and losses.
    private func randomUpdates(steps: [Int]) -> [(values: [Float], report: UpdateReport)] {
        var random = CounterRandom(key: 8)
        return steps.enumerated().map { index, count in
            (
                (0..<1_000).map { _ in random.normal() },
                UpdateReport(weight: Double(7 * index + 3), steps: count, trainLoss: 1 + Double(index))
            )
        }
    }

    @Test("FedNova takes the steps out of each update and puts the mean number back")
    func fedNova() throws {
        // p = (1/4, 3/4), τ = (2, 8): τ_eff = 6.5, and Σ pΔ/τ = (0.5 + 0.09375, −0.25 + 0.75).
        let mean = try combine(
            .fedNova(localMomentum: 0),
            [
                ([4, -2], UpdateReport(weight: 1, steps: 2, trainLoss: 1)),
                ([1, 8], UpdateReport(weight: 3, steps: 8, trainLoss: 1)),
            ])
        #expect(mean == [3.859375, 3.25])
    }

    @Test("FedNova is FedAvg when all take the same steps, and not otherwise")
    func fedNovaIsFedAvg() throws {
        let equal = randomUpdates(steps: [10, 10, 10])
        let (left, right) = (try combine(.fedNova(localMomentum: 0), equal), try combine(.fedAvg, equal))
        #expect(zip(left, right).allSatisfy { abs($0 - $1) <= $1.ulp })
        let unequal = randomUpdates(steps: [10, 10, 11])
        #expect(try combine(.fedNova(localMomentum: 0), unequal) != combine(.fedAvg, unequal))
    }

    /// SGD with momentum, `v = ρv + g; w −= ηv`, against one constant gradient: where a worker is after so many steps.
    private func moved(_ gradient: [Double], steps: Int, momentum: Double) -> [Float] {
        var (velocity, place) = (gradient.map { _ in 0.0 }, gradient.map { _ in 0.0 })
        for _ in 0..<steps {
            for index in gradient.indices {
                velocity[index] = momentum * velocity[index] + gradient[index]
                place[index] -= 0.25 * velocity[index]
            }
        }
        return place.map(Float.init)
    }

    /// The paper's `‖aₖ‖₁` for SGD with momentum.
    private func length(_ steps: Int, _ momentum: Double) -> Double {
        (Double(steps) - momentum * (1 - pow(momentum, Double(steps))) / (1 - momentum)) / (1 - momentum)
    }

    @Test("FedNova takes what momentum adds to many steps out of an update, too", arguments: [0, 0.5, 0.9])
    func fedNovaWithMomentum(_ momentum: Double) throws {
        let gradients = [[1.0, -2, 0.5], [-3, 0.25, 4], [2, 2, -1]]
        let (steps, weights) = ([1, 4, 25], [3.0, 1, 2])
        let found = try combine(
            .fedNova(localMomentum: momentum),
            zip(gradients, zip(steps, weights)).map { gradient, told in
                (
                    moved(gradient, steps: told.0, momentum: momentum),
                    UpdateReport(weight: told.1, steps: told.0, trainLoss: nil)
                )
            })
        // −η a_eff Σ pₖ gₖ, whoever took how many steps.
        let lengths = zip(steps, weights).reduce(0) { $0 + $1.1 / 6 * length($1.0, momentum) }
        for index in 0..<3 {
            let mean = zip(gradients, weights).reduce(0) { $0 + $1.1 / 6 * $1.0[index] }
            #expect(abs(Double(found[index]) + 0.25 * lengths * mean) < 1e-5 * lengths)
        }
    }

    @Test("FedNova with momentum is FedAvg when all take the same steps")
    func fedNovaWithMomentumIsFedAvg() throws {
        let equal = randomUpdates(steps: [10, 10, 10])
        let (left, right) = (try combine(.fedNova(localMomentum: 0.9), equal), try combine(.fedAvg, equal))
        #expect(zip(left, right).allSatisfy { abs($0 - $1) <= $1.ulp })
        let unequal = randomUpdates(steps: [10, 10, 11])
        #expect(
            try combine(.fedNova(localMomentum: 0.9), unequal) != combine(.fedNova(localMomentum: 0), unequal))
    }

    @Test("q-FedAvg follows Algorithm 2 of its paper")
    func qFedAvg() throws {
        // q = ½, L = ¼, F = (4, 25), ‖Δ‖² = (20, 37): ΣF^qΔ = (13, 26),
        // Σh/L = (½·½·5 + 2) + (½·⅕·9.25 + 5) = 3.25 + 5.925.
        let mean = try combine(
            .qFedAvg(q: 0.5, lipschitz: 0.25),
            [
                ([4, -2], UpdateReport(weight: 100, steps: 1, trainLoss: 4)),
                ([1, 6], UpdateReport(weight: 1, steps: 1, trainLoss: 25)),
            ])
        #expect(abs(mean[0] - 13 / 9.175) < 1e-6 && abs(mean[1] - 26 / 9.175) < 1e-6)
    }

    @Test("q-FedAvg with q = 0 is the mean over workers, whatever their sizes and losses")
    func uniform() throws {
        let updates = randomUpdates(steps: [4, 5, 6])
        let mean = try combine(.qFedAvg(q: 0, lipschitz: 100), updates)
        let alike = updates.map { ($0.values, UpdateReport(weight: 1, steps: 1, trainLoss: 1)) }
        #expect(try mean == combine(.fedAvg, alike))
    }

    @Test("q-FedAvg leans towards the worker with the larger loss, and a shared loss does not")
    func fairness() throws {
        let share = { (losses: [Double]) in
            let mean = try combine(
                .qFedAvg(q: 1, lipschitz: 0.001),
                [
                    ([1, 0], UpdateReport(weight: 1, steps: 1, trainLoss: losses[0])),
                    ([0, 1], UpdateReport(weight: 1, steps: 1, trainLoss: losses[1])),
                ])
            return mean[0] / (mean[0] + mean[1])
        }
        #expect(abs(try share([3, 1]) - 0.75) < 1e-6)
        #expect(abs(try share([2, 2]) - 0.5) < 1e-6)
    }

    @Test("no reported loss makes q-FedAvg's result something else than a number", arguments: [-1, 0, 1e-300, 3e38])
    func extremes(_ loss: Double) throws {
        let mean = try combine(
            .qFedAvg(q: 19.5, lipschitz: 1e6),
            [
                ([1, -1], UpdateReport(weight: 1, steps: 1, trainLoss: loss)),
                ([0.5, 1], UpdateReport(weight: 1, steps: 1, trainLoss: 2)),
            ])
        #expect(mean.allSatisfy { $0.isFinite && abs($0) <= 2 })
    }

    // MARK: Losses that are 0, and losses that nobody tells

    private static let size = 64

    private func random(_ count: Int, key: UInt64) -> [Float] {
        var random = CounterRandom(key: key)
        return (0..<count).map { _ in random.normal() }
    }

    private func norm(_ values: some Sequence<Double>) -> Double {
        values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }

    private func fair(_ q: Double, _ losses: [Double?], lipschitz: Double = 0.05) throws -> [Float] {
        try combine(
            .qFedAvg(q: q, lipschitz: lipschitz),
            losses.enumerated().map { index, loss in
                (random(Self.size, key: UInt64(index)), UpdateReport(weight: 1, steps: 1, trainLoss: loss))
            })
    }

    @Test("a worker with a loss of 0 neither stops a round of q-FedAvg nor leads it", arguments: [0.2, 0.5, 1, 4])
    func lossOfZero(_ q: Double) throws {
        let losses = (0..<9).map { 2.5 + 0.1 * Double($0) }
        let without = try fair(q, losses).map(Double.init)
        for loss in [0, 1e-300, 1e-12, -1] {
            let mean = try fair(q, losses + [loss]).map(Double.init)
            #expect(norm(zip(mean, without).map { $0 - $1 }) < 0.05 * norm(without), "a loss of \(loss)")
        }
    }

    /// A loss that is never negative bounds its gradient, so no report may shorten a step by more than 1 + 2q.
    @Test("whatever losses are told, the step stays within 1 and 1 / (1 + 2q) of the weighted mean", arguments: 0..<24)
    func bounded(_ key: UInt64) throws {
        var random = CounterRandom(key: key + 100)
        let q = Double(4 * random.uniform())
        let lipschitz = Double(1_000 * random.uniform())
        let losses = (0..<8).map { _ in pow(10, Double(-12 + 15 * random.uniform())) }
        let mean = try fair(q, losses, lipschitz: lipschitz).map(Double.init)
        let weights = losses.map { max($0, 1e-10) }.map { pow($0, q) }
        var plain = [Double](repeating: 0, count: Self.size)
        for (index, weight) in weights.enumerated() {
            for (place, value) in self.random(Self.size, key: UInt64(index)).enumerated() {
                plain[place] += weight * Double(value) / weights.reduce(0, +)
            }
        }
        let share = norm(mean) / norm(plain)
        #expect(share <= 1 + 1e-6 && share >= 1 / (1 + 2 * q) - 1e-6)
        // Only the length is less.
        let product = zip(mean, plain).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(product > (1 - 1e-6) * norm(mean) * norm(plain))
    }

    @Test("a worker that does not tell its loss counts as one with the mean of the others'", arguments: [0.2, 1, 3])
    func untold(_ q: Double) throws {
        let mean = try fair(q, [nil, 2, nil, 3, 7])
        let told = try fair(q, [4, 2, 4, 3, 7])
        #expect(zip(mean, told).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(try fair(q, [9, 2, 9, 3, 7]) != mean)
    }

    @Test("where nobody tells a loss, q-FedAvg is the plain mean over workers")
    func noneTold() throws {
        let mean = try fair(1, [nil, nil, nil])
        let alike = try combine(
            .fedAvg,
            (0..<3).map { (random(Self.size, key: $0), UpdateReport(weight: 1, steps: 1, trainLoss: nil)) })
        #expect(mean == alike)
    }
}
