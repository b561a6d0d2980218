public import Federation
public import Randomness

/// Noise that the workers of a masked sum add together, each a share of it to its own integers (``SkellamNoise``).
///
/// **Enough of it.** A worker signs no set of survivors in which those who may collude with the coordinator, and so know
/// their shares, leave fewer than ``minimumHonest``: whatever sum comes out has at least `minimumHonest · variance`.
///
/// **It fits.** Integers of all shares together leave a sum's range with a chance of less than 2^−40 a round, over as many
/// values as an update can have: ``reach(cohort:)`` is kept free for them. What would leave it wraps around, which costs
/// the adapter and nobody's privacy: the wrapped sum follows from the noisy one.
public struct SharedNoise: Hashable, Sendable {
    /// Of one worker's share on each value. Unit: steps².
    public let variance: Double
    /// The largest L2 norm of a worker's integers before the noise. Unit: steps.
    public let norm: Double
    /// Workers with honest shares that make the noise whole, at least 1.
    public let minimumHonest: Int

    /// Of 2^31 values in an update, the most, any leaves the range with a chance below 2^−40.
    private static let failureBits = 40.0 + 31

    public init(variance: Double, norm: Double, minimumHonest: Int) {
        precondition(variance >= 0 && norm > 0 && minimumHonest >= 1, "a share of \(variance) among \(minimumHonest)")
        self.variance = variance
        self.norm = norm
        self.minimumHonest = minimumHonest
    }

    /// The shares of a sum whose noise is to be `noiseMultiplier` times the norm.
    public init(noiseMultiplier: Double, on lattice: NoiseLattice, minimumHonest: Int) {
        let deviation = noiseMultiplier * lattice.norm
        self.init(
            variance: deviation * deviation / Double(minimumHonest), norm: lattice.norm, minimumHonest: minimumHonest)
    }

    /// Standard deviation of the least noise in a sum over ``norm``.
    public var noiseMultiplier: Double { (variance * Double(minimumHonest)).squareRoot() / norm }

    /// How far all shares together reach; infinite where no integers of 32 bits could hold them.
    func reach(cohort: Int) -> Double {
        guard variance <= SkellamNoise.largestVariance else { return .infinity }
        return SkellamNoise.reach(variance: variance * Double(cohort), failureBits: Self.failureBits)
    }
}

extension WeightedQuantisation {
    private static let roundings = 64

    /// As ``words(_:weight:rounding:)`` with a weight of 1, of no larger norm than agreed, and with this worker's share of
    /// the noise.
    ///
    /// Values are rounded up or down at random until their norm fits, which a lattice's norm leaves some four in ten
    /// roundings to do; should none of 64 fit, all are rounded towards 0, which makes none larger.
    /// - Parameters:
    ///   - noise: A cryptographic generator.
    /// - Throws: Also ``MaskingError/normExceeded(norm:limit:)`` for an update that no rounding makes fit.
    public func noisyWords(
        _ values: [Float], rounding random: inout CounterRandom, noise generator: inout some RandomNumberGenerator
    ) throws(MaskingError) -> [UInt32] {
        guard let noise, weightLimit == 1 else { preconditionFailure("terms without shared noise") }
        let lattice = NoiseLattice(norm: noise.norm, dimension: max(1, values.count))
        var words: [UInt32] = []
        var squares = Double.infinity
        for _ in 0..<Self.roundings where !lattice.holds(squaredNorm: squares) {
            words = try self.words(values, weight: 1, rounding: &random)
            squares = Self.squaredNorm(words.dropLast())
        }
        if !lattice.holds(squaredNorm: squares) {
            let clip = Double(self.clip)
            for (index, value) in values.enumerated() {
                let whole = (min(clip, max(-clip, Double(value))) / step).rounded(.towardZero)
                words[index] = UInt32(bitPattern: Int32(min(Double(levels), max(-Double(levels), whole))))
            }
            squares = Self.squaredNorm(words.dropLast())
            guard lattice.holds(squaredNorm: squares) else {
                throw .normExceeded(norm: squares.squareRoot(), limit: noise.norm)
            }
        }
        let share = SkellamNoise(variance: noise.variance)
        for index in values.indices {
            words[index] &+= UInt32(truncatingIfNeeded: share.next(using: &generator))
        }
        return words
    }

    private static func squaredNorm(_ words: ArraySlice<UInt32>) -> Double {
        words.reduce(0) { sum, word in
            let value = Double(Int32(bitPattern: word))
            return sum + value * value
        }
    }
}
