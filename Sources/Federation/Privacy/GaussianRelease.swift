/// What a round with noise from the coordinator publishes of its updates: their sum with noise, over a fixed divisor.
///
/// A round in which nobody took part is released like any other: that it was empty is nobody's to know.
/// - SeeAlso: McMahan et al. 2018 (arXiv:1710.06963), the estimator with a fixed denominator.
public struct GaussianRelease: Hashable, Sendable {
    /// The noisy mean update, `[parameterCount]`.
    public let mean: [Float]
    /// For the next round.
    public let nextClip: Double
    /// What was added to the sum, where later rounds depend on it.
    public private(set) var correlatedNoise: [Double]?

    /// - Parameters:
    ///   - noiseMultiplier: z: what the round costs is that of noise z · clip on the sum.
    ///   - noise: A ``SecretStream``: the same key gives the same release.
    /// - Precondition: The adaptive clip's count noise is above z / 2: `RunFile` refuses anything else.
    public init(
        _ sum: ClippedSum, noiseMultiplier: Double, adaptiveClip: AdaptiveClip?, expectedWorkers: Int,
        noise: inout some RandomNumberGenerator
    ) {
        var updates = noiseMultiplier
        if let adaptiveClip {
            guard let left = adaptiveClip.updateNoiseMultiplier(total: noiseMultiplier) else {
                preconditionFailure("count noise \(adaptiveClip.countNoise) for noise multiplier \(noiseMultiplier)")
            }
            updates = left
        }
        var values = sum.sum
        NormalNoise.add(to: &values, deviation: updates * sum.clip, using: &noise)
        mean = values.map { Float($0 / Double(expectedWorkers)) }
        nextClip =
            adaptiveClip?.next(
                after: sum.clip, centredWithin: sum.centredWithin, expectedWorkers: expectedWorkers, noise: &noise)
            ?? sum.clip
    }

    /// The release of a round whose noise depends on that of earlier rounds.
    ///
    /// - Parameters:
    ///   - noise: By ``CorrelatedNoise``, `[parameterCount]`, for the sum.
    ///   - deviation: Of the independent noise behind it: sets the grid on which the results lie.
    public init(_ sum: ClippedSum, adding noise: [Double], deviation: Double, expectedWorkers: Int) {
        precondition(noise.count == sum.sum.count, "noise of \(noise.count) values, sum of \(sum.sum.count)")
        let grid = NoiseGrid(deviation: deviation)
        mean = zip(sum.sum, noise).map { Float(grid.nearest(to: $0 + $1) / Double(expectedWorkers)) }
        nextClip = sum.clip
        correlatedNoise = noise
    }
}
