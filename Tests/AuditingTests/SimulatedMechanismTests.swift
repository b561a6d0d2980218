import Auditing
import Federation
import Randomness
import Testing

/// The Gaussian mechanism on canaries of which each moves a coordinate of its own by the clip: the audit's best case, whose
/// true epsilon is the accountant's.
private struct SimulatedMechanism {
    let noiseMultiplier: Double
    let canaries: Int

    /// Scores after one release, with each canary's coin.
    func release(seed: UInt64) -> [(score: Double, isInserted: Bool)] {
        var random = StreamKey(seed: seed, worker: "mechanism", purpose: .faults).generator()
        var scores = (0..<canaries).map { _ in Bool.random(using: &random) ? 1.0 : 0.0 }
        let coins = scores.map { $0 == 1 }
        NormalNoise.add(to: &scores, deviation: noiseMultiplier, using: &random)
        return zip(scores, coins).map { ($0, $1) }
    }
}

@Suite("An audit of a mechanism whose epsilon is known")
struct SimulatedMechanismTests {
    private static let delta = 1e-5
    private static let repetitions = 200

    private func lowerBounds(noise: Double, canaries: Int = 250) -> [Double] {
        let mechanism = SimulatedMechanism(noiseMultiplier: noise, canaries: canaries)
        return (0..<Self.repetitions).map {
            CanaryBound(of: mechanism.release(seed: UInt64($0)), delta: Self.delta).epsilon
        }
    }

    @Test("the lower bound is above the truth no more often than it may be", arguments: [0.5, 1, 2, 4])
    func holds(_ noise: Double) throws {
        let truth = try PrivacyLossAccountant.epsilon(
            [try SampledGaussian(samplingRate: 1, noiseMultiplier: noise): 1], delta: Self.delta)
        let bounds = lowerBounds(noise: noise)
        // With a chance of 5 % each, more than 20 of 200 come once in 1,000 times, more than 7 of 50 once in 100 times; the
        // seeds are fixed.
        #expect(bounds.count { $0 > truth } <= 20)
        #expect(bounds.prefix(50).count { $0 > truth } <= 7)
    }

    @Test("the bound is not idle: it finds much of a large epsilon")
    func finds() throws {
        let truth = try PrivacyLossAccountant.epsilon(
            [try SampledGaussian(samplingRate: 1, noiseMultiplier: 0.5): 1], delta: Self.delta)
        let bounds = lowerBounds(noise: 0.5)
        #expect(bounds.reduce(0, +) / Double(bounds.count) > 0.15 * truth)
    }

    @Test("noise of an eighth of what was promised is refuted nearly always")
    func refutes() throws {
        let promised = try PrivacyLossAccountant.epsilon(
            [try SampledGaussian(samplingRate: 1, noiseMultiplier: 2): 1], delta: Self.delta)
        let refuted = lowerBounds(noise: 0.25).count { $0 > promised }
        #expect(refuted > Self.repetitions * 9 / 10)
    }

    @Test("what was not trained on has no exposure and an area of one half")
    func nothing() {
        var random = StreamKey(seed: 5, purpose: .faults).generator()
        let canaries = (0..<2_000).map { _ in
            let base = 2 + Double.random(in: 0..<1, using: &random)
            let losses = CanaryAudit.Losses(tuned: base + Double.random(in: -0.1..<0.1, using: &random), base: base)
            return (isInserted: Bool.random(using: &random), losses: losses)
        }
        let audit = CanaryAudit(canaries, unit: .worker, delta: 1e-5, confidence: 0.95, upper: 1)
        #expect(audit.inserted + audit.leftOut == 2_000 && audit.inserted > 900 && audit.leftOut > 900)
        // The mean exposure of a random rank is log₂e bits; its deviation over 1,000 canaries 0.046.
        #expect(abs(audit.exposureMean - 1.4427) < 0.25)
        #expect(abs(audit.auc - 0.5) < 0.05 && audit.epsilonLower < 0.2 && !audit.isRefuted)
    }

    @Test("what is known by heart has the highest exposure and refutes a small epsilon")
    func everything() {
        let canaries = (0..<200).map { index in
            (isInserted: index % 2 == 0, losses: CanaryAudit.Losses(tuned: index % 2 == 0 ? 0.1 : 3, base: 3))
        }
        let audit = CanaryAudit(canaries, unit: .worker, delta: 0, confidence: 0.95, upper: 2)
        #expect(abs(audit.exposureMean - audit.exposureLimit) < 1e-9 && audit.auc == 1)
        #expect(audit.tprAt1Percent == 1 && audit.tprAtTenthPercent == nil)
        #expect(audit.correct == 200 && audit.guesses == 200 && audit.isRefuted)
        // Three numbers of guesses share the chance to err.
        #expect(
            abs(
                audit.epsilonLower
                    - OneRunBound.epsilon(
                        canaries: 200, guesses: 200, correct: 200, delta: 0, confidence: 1 - 0.05 / 3)) < 1e-9)
    }
}
