/// What a link in memory does to messages, drawn from the seed.
public struct LinkFaults: Hashable, Sendable {
    /// Probability that a message is lost.
    public var loss: Double
    /// Probability that a message arrives twice.
    public var duplication: Double
    /// Uniform between the two: a wide range reorders messages. Unit: seconds.
    public var delaySeconds: ClosedRange<Double>

    public init(loss: Double = 0, duplication: Double = 0, delaySeconds: ClosedRange<Double> = 0.001...0.001) {
        self.loss = loss
        self.duplication = duplication
        self.delaySeconds = delaySeconds
    }

    public static let none = LinkFaults()
}
