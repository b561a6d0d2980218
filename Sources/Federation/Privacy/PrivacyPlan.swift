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
    /// Standard deviation of the noise on one parameter in the sum of the rounds so far, over the clip, root mean square
    /// over the rounds: what an adapter carries.
    public let adapterNoisePerParameterOverClip: Double

    /// - Parameters:
    ///   - workers: Enrolled.
    ///   - parameters: Values in an update.
    ///   - separation: Rounds from one participation of a worker to the next, at least, for noise that is correlated over
    ///     rounds (``PrivacyOptions/Mechanism/ftrl``); `nil`: each round chooses every worker by a coin of probability
    ///     `perRound / workers`.
    public init(
        epsilon: Double, delta: Double, workers: Int, perRound: Int, rounds: Int, parameters: Int,
        separation: Int? = nil
    ) throws(PrivacyError) {
        let options = PrivacyOptions(
            mechanism: separation == nil ? .central : .ftrl, epsilon: epsilon, delta: delta, clip: 1, workers: workers,
            expectedWorkers: perRound, plannedRounds: rounds, separation: separation ?? 1)
        let samplingRate = options.samplingRate
        let noise = try options.plannedNoiseMultiplier()
        let steps = [try SampledGaussian(samplingRate: samplingRate, noiseMultiplier: noise): options.plannedSteps]
        self.epsilon = epsilon
        self.delta = delta
        self.samplingRate = samplingRate
        self.rounds = rounds
        self.parameters = parameters
        noiseMultiplier = noise
        epsilonSpent = try PrivacyLossAccountant.epsilon(steps, delta: delta)
        epsilonSpentRenyi = try RenyiAccountant.epsilon(steps, delta: delta)
        let root = options.noiseRoot ?? BandedSquareRoot(bands: 1)
        noisePerParameterOverClip = noise * root.roundDeviation(rounds: rounds) / Double(perRound)
        adapterNoisePerParameterOverClip = noise * root.sumDeviation(rounds: rounds) / Double(perRound)
        noiseNormOverClip = noisePerParameterOverClip * Double(parameters).squareRoot()
        signalToNoise = 1 / noiseNormOverClip
    }
}
