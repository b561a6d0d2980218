import Federation
import FixtureFiles
import Foundation
import Testing

/// What other tools say of the same steps (`Tests/Fixtures/privacy/make.py`).
private struct Accountants: Decodable {
    struct Divergence: Decodable, Sendable, CustomTestStringConvertible {
        let rate, noise, order, divergence: Double
        var testDescription: String { "q \(rate), noise \(noise), order \(order)" }
    }
    struct Epsilon: Decodable, Sendable, CustomTestStringConvertible {
        let rate, noise: Double
        let steps: Int
        let delta, pld, rdp: Double
        var testDescription: String { "q \(rate), noise \(noise), \(steps) steps, delta \(delta)" }
    }
    let divergences: [Divergence]
    let epsilons: [Epsilon]

    static let all: Accountants = {
        let file = URL(filePath: FixtureFiles.path("privacy/accountants.json"))
        guard let data = try? Data(contentsOf: file), let read = try? JSONDecoder().decode(Self.self, from: data) else {
            preconditionFailure("Tests/Fixtures/privacy/accountants.json cannot be read")
        }
        return read
    }()
}

@Suite("Counting privacy budgets")
struct AccountantTests {
    @Test("Rényi divergences agree with numerical integration to 30 digits", arguments: Accountants.all.divergences)
    fileprivate func divergence(_ given: Accountants.Divergence) throws {
        let step = try SampledGaussian(samplingRate: given.rate, noiseMultiplier: given.noise)
        let ours = RenyiAccountant.divergence(step, order: given.order)
        #expect(abs(ours / given.divergence - 1) < 1e-6, "\(ours), expected \(given.divergence)")
    }

    @Test("epsilon by loss distributions agrees with dp-accounting", arguments: Accountants.all.epsilons)
    fileprivate func lossDistribution(_ given: Accountants.Epsilon) throws {
        let step = try SampledGaussian(samplingRate: given.rate, noiseMultiplier: given.noise)
        let ours = try PrivacyLossAccountant.epsilon([step: given.steps], delta: given.delta)
        #expect(abs(ours - given.pld) <= 1e-3 * given.pld + 1e-9, "\(ours), expected \(given.pld)")
    }

    /// dp-accounting's bounds of this are 3.29042 and 3.29050; without room for rounding it came out as 3.290465.
    @Test("epsilon at the least delta is tight, with room for rounding")
    func leastDelta() throws {
        let step = try SampledGaussian(samplingRate: 0.01, noiseMultiplier: 1)
        let ours = try PrivacyLossAccountant.epsilon([step: 1_000], delta: PrivacyLossAccountant.leastDelta)
        #expect(ours > 3.29047 && ours < 3.2905, "\(ours)")
    }

    @Test("epsilon by Rényi divergences is at most dp-accounting's, and above the tight one")
    func renyi() throws {
        for given in Accountants.all.epsilons {
            let step = try SampledGaussian(samplingRate: given.rate, noiseMultiplier: given.noise)
            let ours = try RenyiAccountant.epsilon([step: given.steps], delta: given.delta)
            #expect(ours <= given.rdp * (1 + 1e-6), "\(given.testDescription): \(ours), expected \(given.rdp)")
            #expect(ours >= given.pld * (1 - 1e-3), "\(given.testDescription)")
        }
    }

    @Test(
        "epsilon by Rényi divergences is what was published",
        arguments: [
            (0.0025, 1.3, 6000, 1e-5, 0.7242234026), (0.001, 1, 30000, 1e-7, 1.4154988495),
            (0.01, 0.7, 120, 1e-5, 3.2392676), (1, 0.7, 2, 1e-5, 10.8602036), (0.04, 1.5, 2250, 1e-5, 7.329),
            (1, 4.530877117, 1, 1e-6, 1.0000003),
        ])
    func published(_ rate: Double, _ noise: Double, _ steps: Int, _ delta: Double, _ epsilon: Double) throws {
        let step = try SampledGaussian(samplingRate: rate, noiseMultiplier: noise)
        #expect(abs(try RenyiAccountant.epsilon([step: steps], delta: delta) / epsilon - 1) < 1e-4)
    }

    @Test("one Gaussian step costs what the closed form says", arguments: [0.5, 1, 4, 20])
    func closedForm(_ noise: Double) throws {
        // Balle and Wang 2018 (arXiv:1805.06530), Theorem 8: delta = Φ(1/2σ − εσ) − e^ε Φ(−1/2σ − εσ).
        let step = try SampledGaussian(samplingRate: 1, noiseMultiplier: noise)
        for delta in [1e-3, 1e-6] {
            let epsilon = try PrivacyLossAccountant.epsilon([step: 1], delta: delta)
            let normal = { (x: Double) in erfc(-x / 2.0.squareRoot()) / 2 }
            let back =
                normal(0.5 / noise - epsilon * noise) - exp(epsilon) * normal(-0.5 / noise - epsilon * noise)
            #expect(abs(back / delta - 1) < 1e-3, "epsilon \(epsilon) gives delta \(back)")
        }
    }

    @Test("steps of several kinds cost at least each alone, and what as many of one kind cost")
    func kinds() throws {
        let first = try SampledGaussian(samplingRate: 0.01, noiseMultiplier: 0.8)
        let second = try SampledGaussian(samplingRate: 0.02, noiseMultiplier: 1.1)
        let alike = try SampledGaussian(samplingRate: 0.01, noiseMultiplier: 0.8000000001)
        let both = try PrivacyLossAccountant.epsilon([first: 100, second: 50], delta: 1e-6)
        #expect(both > (try PrivacyLossAccountant.epsilon([first: 100], delta: 1e-6)))
        #expect(both > (try PrivacyLossAccountant.epsilon([second: 50], delta: 1e-6)))
        let split = try PrivacyLossAccountant.epsilon([first: 60, alike: 40], delta: 1e-6)
        #expect(abs(split / (try PrivacyLossAccountant.epsilon([first: 100], delta: 1e-6)) - 1) < 1e-6)
    }

    @Test("numbers that make no mechanism are refused")
    func refusals() throws {
        for rate in [0, -0.1, 1.5, .nan] {
            #expect(throws: PrivacyError.self) { try SampledGaussian(samplingRate: rate, noiseMultiplier: 1) }
        }
        for noise in [0, 0.01, -1, .infinity, .nan] {
            #expect(throws: PrivacyError.self) { try SampledGaussian(samplingRate: 0.1, noiseMultiplier: noise) }
        }
        let step = try SampledGaussian(samplingRate: 0.1, noiseMultiplier: 1)
        for delta in [0, 1, -1, .nan, 9e-11] {
            #expect(throws: PrivacyError.self) { try PrivacyLossAccountant.epsilon([step: 1], delta: delta) }
            #expect(throws: PrivacyError.self) { try RenyiAccountant.epsilon([step: 1], delta: delta) }
        }
        #expect(throws: PrivacyError.steps(0)) { try PrivacyLossAccountant.epsilon([step: 0], delta: 1e-5) }
    }
}

@Suite("Planning noise")
struct NoiseCalibrationTests {
    @Test(
        "the noise keeps the budget, and a little less would not",
        arguments: [(1.0, 0.01, 200), (8, 0.1, 20), (3, 1, 1)])
    func tight(_ epsilon: Double, _ rate: Double, _ rounds: Int) throws {
        let noise = try NoiseCalibration.noiseMultiplier(
            epsilon: epsilon, delta: 1e-6, samplingRate: rate, rounds: rounds)
        let spent = { (noise: Double) in
            try PrivacyLossAccountant.epsilon(
                [SampledGaussian(samplingRate: rate, noiseMultiplier: noise): rounds], delta: 1e-6)
        }
        #expect(try spent(noise) <= epsilon)
        #expect(try spent(noise * 0.995) > epsilon)
    }

    @Test("a plan's signal is the clip's, its noise that of the mean's divisor")
    func plan() throws {
        let plan = try PrivacyPlan(
            epsilon: 4, delta: 1e-6, workers: 10_000, perRound: 100, rounds: 200, parameters: 10_000)
        #expect(plan.epsilonSpent <= 4)
        #expect(plan.epsilonSpentRenyi >= plan.epsilonSpent)
        #expect(abs(plan.noiseNormOverClip - plan.noiseMultiplier / 100 * 100) < 1e-12)
        #expect(abs(plan.signalToNoise * plan.noiseNormOverClip - 1) < 1e-12)
    }

    @Test("budgets that no noise keeps are refused")
    func refusals() {
        #expect(throws: PrivacyError.self) {
            try NoiseCalibration.noiseMultiplier(epsilon: 0, delta: 1e-6, samplingRate: 0.1, rounds: 1)
        }
        #expect(throws: PrivacyError.self) {
            try NoiseCalibration.noiseMultiplier(epsilon: 1e-6, delta: 1e-9, samplingRate: 1, rounds: 1_000_000)
        }
    }
}
