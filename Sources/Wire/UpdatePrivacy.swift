/// What an offer asks of the worker to protect its own update, before any codec.
public struct UpdatePrivacy: Hashable, Sendable {
    /// The largest L2 norm of the update, all its values together; `nil` clips nothing.
    public var clip: Double?
    /// Standard deviation of the noise that the worker adds to each value of the clipped update; 0 adds none.
    public var noiseDeviation: Double
    /// The worker tells no training loss and no tokens, and 1 as the size of its training set.
    public var withholdsMetrics: Bool

    public init(clip: Double? = nil, noiseDeviation: Double = 0, withholdsMetrics: Bool = false) {
        self.clip = clip
        self.noiseDeviation = noiseDeviation
        self.withholdsMetrics = withholdsMetrics
    }
}
