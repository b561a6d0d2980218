import Federation
import FixtureFiles
import Foundation
import Testing

/// What sums over Bessel functions give (`Tests/Fixtures/privacy/skellam.py`).
private struct Skellam: Decodable {
    struct Divergence: Decodable, Sendable, CustomTestStringConvertible {
        let variance: Double
        let shift: [Double]
        let order, divergence: Double
        var testDescription: String { "variance \(variance), \(shift.count) values, order \(order)" }
        var norm: Double { shift.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    }
    struct Epsilon: Decodable, Sendable {
        let variance, shift: Double
        let steps: Int
        let delta, epsilon: Double
    }
    struct Probabilities: Decodable, Sendable, CustomTestStringConvertible {
        let variance: Double
        let probabilities: [Double]
        var testDescription: String { "variance \(variance)" }
    }
    struct Tail: Decodable, Sendable {
        let variance, reach, bits: Double
    }
    let divergences: [Divergence]
    let epsilons: [Epsilon]
    let probabilities: [Probabilities]
    let tails: [Tail]

    static let all: Skellam = {
        let file = URL(filePath: FixtureFiles.path("privacy/skellam.json"))
        guard let data = try? Data(contentsOf: file), let read = try? JSONDecoder().decode(Self.self, from: data) else {
            preconditionFailure("Tests/Fixtures/privacy/skellam.json cannot be read")
        }
        return read
    }()
}

@Suite("Skellam noise")
struct SkellamTests {
    @Test(
        "a step's bound is never below the divergence, and near it where noise is ample",
        arguments: Skellam.all.divergences)
    fileprivate func divergence(_ given: Skellam.Divergence) {
        let lattice = NoiseLattice(norm: given.norm, dimension: given.shift.count)
        let noise = given.variance.squareRoot() / given.norm
        let ours = SkellamAccountant.divergence(lattice, noiseMultiplier: noise, order: given.order)
        #expect(ours >= given.divergence, "\(ours), truth \(given.divergence)")
        if given.variance >= 400, given.order <= 5 { #expect(ours <= 1.02 * given.divergence) }
        // Between whole orders it lies between their values, as divergences grow with the order.
        let between = SkellamAccountant.divergence(lattice, noiseMultiplier: noise, order: given.order + 0.5)
        #expect(between >= ours)
        #expect(between <= SkellamAccountant.divergence(lattice, noiseMultiplier: noise, order: given.order + 1))
    }

    @Test("epsilon is above that of the exact composition, by little")
    func epsilon() throws {
        for given in Skellam.all.epsilons {
            let step = try SampledGaussian(
                samplingRate: 1, noiseMultiplier: given.variance.squareRoot() / given.shift)
            let lattice = NoiseLattice(norm: given.shift, dimension: 1)
            let ours = try SkellamAccountant.epsilon([step: given.steps], on: lattice, delta: given.delta)
            #expect(ours >= given.epsilon && ours <= 1.12 * given.epsilon, "\(ours), exact \(given.epsilon)")
            let budget = PrivacyBudget(epsilon: ours, delta: given.delta, lattice: lattice)
            #expect(try budget.spent([step: given.steps]) == ours && budget.spentRenyi([step: given.steps]) == ours)
            #expect(try budget.admits(step, after: [step: max(1, given.steps - 1)]) == (given.steps > 1))
            #expect(try !budget.admits(step, after: [step: given.steps]))
        }
    }

    @Test("on fine integers it costs what normal noise does, and never less; a sampled step is refused")
    func limit() throws {
        let step = try SampledGaussian(samplingRate: 1, noiseMultiplier: 3)
        let normal = try RenyiAccountant.epsilon([step: 10], delta: 1e-6)
        let (many, few) = (NoiseLattice(norm: 1e6, dimension: 100_000), NoiseLattice(norm: 4, dimension: 100_000))
        let fine = try SkellamAccountant.epsilon([step: 10], on: many, delta: 1e-6)
        let coarse = try SkellamAccountant.epsilon([step: 10], on: few, delta: 1e-6)
        #expect(fine >= normal - 1e-9 && fine <= 1.01 * normal)
        #expect(coarse > fine)
        let sampled = try SampledGaussian(samplingRate: 0.5, noiseMultiplier: 3)
        #expect(throws: PrivacyError.samplingRate(0.5)) {
            try SkellamAccountant.epsilon([sampled: 1], on: NoiseLattice(norm: 9, dimension: 1), delta: 1e-6)
        }
    }

    @Test("planned noise keeps the budget and wastes none of it")
    func calibrated() throws {
        let lattice = NoiseLattice(clip: 50_000, dimension: 10_000)
        let noise = try NoiseCalibration.noiseMultiplier(
            epsilon: 4, delta: 1e-6, samplingRate: 1, rounds: 20, on: lattice)
        let budget = PrivacyBudget(epsilon: 4, delta: 1e-6, lattice: lattice)
        #expect(try budget.spent([SampledGaussian(samplingRate: 1, noiseMultiplier: noise): 20]) <= 4)
        #expect(try budget.spent([SampledGaussian(samplingRate: 1, noiseMultiplier: 0.99 * noise): 20]) > 4)
    }

    @Test("numbers come as often as they should", arguments: Skellam.all.probabilities)
    fileprivate func frequencies(_ given: Skellam.Probabilities) {
        let noise = SkellamNoise(variance: given.variance)
        var generator = SecretStream(key: [UInt8](repeating: 5, count: 32))
        let (draws, reach) = (400_000, given.probabilities.count / 2)
        var counts = [Int](repeating: 0, count: given.probabilities.count)
        for _ in 0..<draws {
            let index = Int(noise.next(using: &generator)) + reach
            if counts.indices.contains(index) { counts[index] += 1 }
        }
        // Pearson's chi-square over the values that are expected at least 20 times.
        var (square, cells) = (0.0, 0)
        for (count, probability) in zip(counts, given.probabilities) where probability * Double(draws) >= 20 {
            let expected = probability * Double(draws)
            square += (Double(count) - expected) * (Double(count) - expected) / expected
            cells += 1
        }
        #expect(cells >= 5)
        // Five standard deviations of a chi-square; the key is fixed.
        #expect(square < Double(cells) + 5 * (2 * Double(cells)).squareRoot(), "\(square) over \(cells) cells")
        #expect(square > Double(cells) - 5 * (2 * Double(cells)).squareRoot())
    }

    @Test("has its mean and variance at every size", arguments: [3.0, 1e4, 1e8, 1e12, 1e15])
    func moments(_ variance: Double) {
        let noise = SkellamNoise(variance: variance)
        var generator = SecretStream(key: [UInt8](repeating: 6, count: 32))
        let count = 200_000.0
        var (sum, squares, fourth) = (0.0, 0.0, 0.0)
        for _ in 0..<Int(count) {
            let value = Double(noise.next(using: &generator)) / variance.squareRoot()
            sum += value
            squares += value * value
            fourth += value * value * value * value
        }
        #expect(abs(sum / count) < 5 / count.squareRoot())
        #expect(abs(squares / count - 1) < 5 * ((2 + 1 / variance) / count).squareRoot())
        // Kurtosis 3 + 1/variance.
        #expect(abs(fourth / count - 3 - 1 / variance) < 5 * (120 / count).squareRoot())
    }

    @Test("the reach is no shorter than the exact tail says, and not much longer")
    func reach() {
        for given in Skellam.all.tails {
            let reach = SkellamNoise.reach(variance: given.variance, failureBits: given.bits)
            #expect(reach >= given.reach - 1 && reach <= 1.25 * given.reach + 2, "\(reach), exact \(given.reach)")
        }
        #expect(SkellamNoise.reach(variance: 0, failureBits: 40) == 0)
    }
}
