/// The noise a run needs, and how much of its signal is left.
public struct PrivacyPlan: Hashable, Sendable, Encodable {
    public let epsilon: Double
    public let delta: Double
    public let samplingRate: Double
    public let rounds: Int
    public let parameters: Int
    /// Standard deviation of the noise on the sum of updates over the clip.
    public let noiseMultiplier: Double
    /// By ``PrivacyLossAccountant``; at most `epsilon`.
    public let epsilonSpent: Double
    /// By ``RenyiAccountant``.
    public let epsilonSpentRenyi: Double
    /// Standard deviation of the noise on one parameter of the mean update, over the clip.
    public let noisePerParameterOverClip: Double
    /// Expected norm of the noise on the whole mean update, over the clip.
    public let noiseNormOverClip: Double
    /// Norm of the mean update over the noise's, if all updates are as long as the clip and point the same way: the
    /// largest it can be.
    public let signalToNoise: Double

    /// - Parameters:
    ///   - workers: Enrolled; a round chooses each by a coin of probability `perRound / workers`.
    ///   - parameters: Values in an update.
    public init(
        epsilon: Double, delta: Double, workers: Int, perRound: Int, rounds: Int, parameters: Int
    ) throws(PrivacyError) {
        let samplingRate = Double(perRound) / Double(workers)
        let noise = try NoiseCalibration.noiseMultiplier(
            epsilon: epsilon, delta: delta, samplingRate: samplingRate, rounds: rounds)
        let steps = [try SampledGaussian(samplingRate: samplingRate, noiseMultiplier: noise): rounds]
        self.epsilon = epsilon
        self.delta = delta
        self.samplingRate = samplingRate
        self.rounds = rounds
        self.parameters = parameters
        noiseMultiplier = noise
        epsilonSpent = try PrivacyLossAccountant.epsilon(steps, delta: delta)
        epsilonSpentRenyi = try RenyiAccountant.epsilon(steps, delta: delta)
        noisePerParameterOverClip = noise / Double(perRound)
        noiseNormOverClip = noisePerParameterOverClip * Double(parameters).squareRoot()
        signalToNoise = 1 / noiseNormOverClip
    }
}
