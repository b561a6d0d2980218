/// What `shoal bench train` reports; the names are those of its JSON.
public struct TrainMeasurement: Encodable, Hashable, Sendable {
    /// The shape's name, or the model's directory.
    public let shape: String
    public let dtype: String
    public let batch: Int
    public let sequence: Int
    public let rank: Int
    public let threads: Int
    public let steps: Int
    /// Of the base model.
    public let parameters: Int
    /// From the median step, the first one left out.
    public let tokensPerSecond: Double
    /// 4 · parameters · tokens a second · 10⁻⁹: a forward and a backward pass that updates no base weight.
    public let gflops4N: Double
    /// The same work over the time of the step's own matrix products replayed alone.
    public let gemmCeilingGflops: Double
    /// The most memory held until the training's end, mapped files included.
    public let peakRssMiB: Double
    /// Unit: nats a token.
    public let lossFirst: Double
    public let lossLast: Double
}
