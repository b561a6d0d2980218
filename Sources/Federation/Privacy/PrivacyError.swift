/// Why an accountant cannot answer.
public enum PrivacyError: Error, Hashable, Sendable, CustomStringConvertible {
    case samplingRate(Double)
    case noiseMultiplier(Double)
    case delta(Double)
    case epsilon(Double)
    case steps(Int)
    /// No noise within reason keeps the budget.
    case unreachable(epsilon: Double, delta: Double)

    public var description: String {
        switch self {
        case .samplingRate(let rate): "the sampling rate is \(rate); it must be above 0 and at most 1"
        case .noiseMultiplier(let noise):
            "the noise multiplier is \(noise); it must be finite and at least \(SampledGaussian.leastNoiseMultiplier)"
        case .delta(let delta):
            "delta is \(delta); it must be at least \(PrivacyLossAccountant.leastDelta) (below that, rounding errors would count) "
                + "and below 1, and well below 1 / workers"
        case .epsilon(let epsilon): "epsilon is \(epsilon); it must be finite and above 0"
        case .steps(let steps): "the number of steps is \(steps); it must be at least 1"
        case .unreachable(let epsilon, let delta):
            "no noise multiplier up to \(Int(NoiseCalibration.largestNoiseMultiplier)) keeps epsilon \(epsilon) at delta "
                + "\(delta); allow more epsilon or plan fewer rounds"
        }
    }
}
