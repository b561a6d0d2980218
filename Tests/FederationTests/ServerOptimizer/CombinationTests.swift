import Federation
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
            .fedNova,
            [
                ([4, -2], UpdateReport(weight: 1, steps: 2, trainLoss: 1)),
                ([1, 8], UpdateReport(weight: 3, steps: 8, trainLoss: 1)),
            ])
        #expect(mean == [3.859375, 3.25])
    }

    @Test("FedNova is FedAvg when all take the same steps, and not otherwise")
    func fedNovaIsFedAvg() throws {
        let equal = randomUpdates(steps: [10, 10, 10])
        let (left, right) = (try combine(.fedNova, equal), try combine(.fedAvg, equal))
        #expect(zip(left, right).allSatisfy { abs($0 - $1) <= $1.ulp })
        let unequal = randomUpdates(steps: [10, 10, 11])
        #expect(try combine(.fedNova, unequal) != combine(.fedAvg, unequal))
    }

    @Test("q-FedAvg follows Algorithm 2 of its paper")
    func qFedAvg() throws {
        // q = ½, L = 4, F = (4, ¼), ‖Δ‖² = (20, 37): ΣF^qΔ = (8.5, −1), Σh/L = (20 + 2) + (148 + ½) = 170.5.
        let mean = try combine(
            .qFedAvg(q: 0.5, lipschitz: 4),
            [
                ([4, -2], UpdateReport(weight: 100, steps: 1, trainLoss: 4)),
                ([1, 6], UpdateReport(weight: 1, steps: 1, trainLoss: 0.25)),
            ])
        #expect(abs(mean[0] - 8.5 / 170.5) < 1e-7 && abs(mean[1] + 1 / 170.5) < 1e-7)
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
}
