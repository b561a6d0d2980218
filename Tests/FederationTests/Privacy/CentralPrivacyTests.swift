import Federation
import Foundation
import Randomness
import Testing

@Suite("Central privacy")
struct CentralPrivacyTests {
    private func stream(_ number: UInt8) -> SecretStream { SecretStream(key: [UInt8](repeating: number, count: 32)) }

    private func fleet(_ workers: Int, _ count: Int, seed: UInt64) -> [[Float]] {
        var random = StreamKey(seed: seed, purpose: .faults).generator()
        return (0..<workers).map { worker in
            // Norms from far below the clip to far above it, and one that nobody honest sends.
            let scale = worker == 0 ? Float(1e18) : Float(pow(10, Double(worker % 5) - 2))
            return (0..<count).map { _ in scale * random.normal() }
        }
    }

    private func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

    private func sum(_ updates: [[Float]], clip: Double) -> [Double] {
        var sum = ClippedSum(parameterCount: updates[0].count, clip: clip)
        for update in updates { sum.add(update, isWithin: true) }
        return sum.sum
    }

    @Test("one worker more or less moves the sum by at most the clip", arguments: [0.01, 1, 250])
    func sensitivity(_ clip: Double) {
        for seed in 0..<5 {
            let updates = fleet(12, 300, seed: UInt64(seed))
            let all = sum(updates, clip: clip)
            for left in updates.indices {
                var others = updates
                others.remove(at: left)
                let rest = sum(others, clip: clip)
                let moved = norm(zip(all, rest).map { $0 - $1 })
                #expect(moved <= clip, "worker \(left) moved the sum by \(moved)")
                // What is within the clip counts in full.
                let own = norm(updates[left].map(Double.init))
                #expect(abs(moved - min(own, clip)) <= 1e-5 * clip)
            }
        }
    }

    @Test("the noise on the mean has deviation z · clip / qN, whoever took part", arguments: [0, 3])
    func release(_ workers: Int) {
        var sum = ClippedSum(parameterCount: 100_000, clip: 0.5)
        for _ in 0..<workers { sum.add([Float](repeating: 1, count: 100_000), isWithin: false) }
        var noise = stream(1)
        let release = GaussianRelease(
            sum, noiseMultiplier: 1.5, adaptiveClip: nil, expectedWorkers: 20, noise: &noise)
        let mean = Double(workers) * 0.5 / 100_000.0.squareRoot() / 20
        let variance = release.mean.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / 100_000
        let expected = pow(1.5 * 0.5 / 20, 2)
        #expect(abs(variance / expected - 1) < 5 * (2.0 / 100_000).squareRoot())
        #expect(release.nextClip == 0.5)
        var again = stream(1)
        #expect(
            release
                == GaussianRelease(sum, noiseMultiplier: 1.5, adaptiveClip: nil, expectedWorkers: 20, noise: &again))
        var other = stream(2)
        #expect(
            release
                != GaussianRelease(sum, noiseMultiplier: 1.5, adaptiveClip: nil, expectedWorkers: 20, noise: &other))
    }

    @Test("updates and the count of an adaptive clip together cost what the noise multiplier says")
    func adaptiveNoise() throws {
        let clip = AdaptiveClip(countNoise: 5)
        let updates = try #require(clip.updateNoiseMultiplier(total: 1))
        // Two Gaussian mechanisms on one sample: their squared inverse multipliers add up. The count's moves by ½.
        #expect(abs(1 / (updates * updates) + 1 / (10.0 * 10.0) - 1) < 1e-12)
        #expect(AdaptiveClip(countNoise: 0.5).updateNoiseMultiplier(total: 1) == nil)
        var sum = ClippedSum(parameterCount: 100_000, clip: 2)
        sum.add([Float](repeating: 0, count: 100_000), isWithin: true)
        var noise = stream(3)
        let release = GaussianRelease(
            sum, noiseMultiplier: 1, adaptiveClip: clip, expectedWorkers: 10, noise: &noise)
        let variance = release.mean.reduce(0.0) { $0 + Double($1) * Double($1) } / 100_000
        #expect(abs(variance / pow(updates * 2 / 10, 2) - 1) < 5 * (2.0 / 100_000).squareRoot())
    }

    @Test("an adaptive clip moves by its rule and settles at the quantile of the norms")
    func adaptiveClip() {
        // Norms 0.01 to 1; the median is 0.5. Too much noise for one round, not for forty.
        let norms = (1...100).map { Double($0) / 100 }
        let rule = AdaptiveClip(quantile: 0.5, rate: 0.2, countNoise: 5)
        var noise = stream(4)
        var clip = 0.1
        var late: [Double] = []
        for round in 0..<120 {
            var sum = ClippedSum(parameterCount: 1, clip: clip)
            for norm in norms { sum.add([Float(norm)], isWithin: norm <= clip) }
            // 100 workers, of whom so many are within.
            let within = Double(norms.count { $0 <= clip })
            #expect(sum.centredWithin == within - 50)
            clip = rule.next(after: clip, centredWithin: sum.centredWithin, expectedWorkers: 100, noise: &noise)
            if round >= 60 { late.append(clip) }
        }
        let settled = late.reduce(0, +) / Double(late.count)
        #expect(abs(settled - 0.5) < 0.05, "\(settled)")
        // Without noise to speak of, one step is the paper's formula.
        let quiet = AdaptiveClip(quantile: 0.5, rate: 0.2, countNoise: 1e-9)
        let next = quiet.next(after: 3, centredWithin: -20, expectedWorkers: 50, noise: &noise)
        #expect(abs(next - 3 * exp(-0.2 * (0.1 - 0.5))) < 1e-6)
    }

    @Test("a coin for each worker: independent, of the rate, whatever the order of names")
    func sampling() {
        let names = (0..<40).compactMap { WorkerName("w\($0)") }
        var coins = stream(5)
        var counts: [WorkerName: Int] = [:]
        var sizes: [Double] = []
        var together = 0
        for _ in 0..<5_000 {
            let chosen = PoissonSampling.chosen(from: names, rate: 0.1, using: &coins)
            #expect(chosen == chosen.sorted())
            for name in chosen { counts[name, default: 0] += 1 }
            sizes.append(Double(chosen.count))
            if chosen.contains(names[0]), chosen.contains(names[1]) { together += 1 }
        }
        // 5,000 coins each: 500 ± 21.
        #expect(names.allSatisfy { abs(Double(counts[$0] ?? 0) - 500) < 5 * 21.3 })
        // The number of those chosen is binomial: it varies, and is sometimes 0 of 40 (0.9^40 = 0.0148).
        let mean = sizes.reduce(0, +) / 5_000
        let variance = sizes.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 5_000
        #expect(abs(mean - 4) < 5 * (3.6 / 5_000).squareRoot())
        #expect(abs(variance - 3.6) < 5 * 3.6 * (2.0 / 5_000).squareRoot())
        #expect(abs(Double(sizes.count { $0 == 0 }) - 73.9) < 5 * 8.6)
        // Two workers come together in a hundredth of the rounds.
        #expect(abs(Double(together) - 50) < 5 * 7.1)
        var (first, second) = (stream(6), stream(6))
        #expect(
            PoissonSampling.chosen(from: names, rate: 0.5, using: &first)
                == PoissonSampling.chosen(from: names.reversed() + names, rate: 0.5, using: &second))
        #expect(PoissonSampling.chosen(from: names, rate: 1, using: &first).count == 40)
    }

    @Test("a budget admits as many steps as the plan it was calibrated for, and no more")
    func budget() throws {
        let plan = try PrivacyPlan(epsilon: 8, delta: 1e-5, workers: 1_000, perRound: 100, rounds: 20, parameters: 1)
        let step = try SampledGaussian(samplingRate: 0.1, noiseMultiplier: plan.noiseMultiplier)
        let budget = PrivacyBudget(epsilon: 8, delta: 1e-5)
        #expect(try budget.spent([:]) == 0)
        #expect(try budget.spent([step: 20]) == plan.epsilonSpent)
        #expect(try budget.spentRenyi([step: 20]) == plan.epsilonSpentRenyi)
        #expect(try budget.admits(step, after: [step: 19]) && !budget.admits(step, after: [step: 20]))
        #expect(try budget.left(step, after: [step: 5], limit: 1_000) == 15)
        #expect(try budget.left(step, after: [step: 5], limit: 3) == 3)
        #expect(try budget.left(step, after: [step: 20], limit: 1_000) == 0)
    }
}
