internal import Federation

/// What an adapter remembers of canaries.
public struct CanaryAudit: Sendable, Encodable {
    /// The mean loss a token of a canary's secret, with and without the adapter. Unit: nats.
    public struct Losses: Hashable, Sendable {
        public var tuned: Double
        public var base: Double

        public init(tuned: Double, base: Double) {
            self.tuned = tuned
            self.base = base
        }
    }

    public let unit: CanarySet.Unit
    public let inserted: Int
    public let leftOut: Int
    /// Mean over each side's secrets of their losses under the adapter. Unit: nats a token.
    public let lossInserted: Double
    public let lossLeftOut: Double
    /// Unit: bits.
    public let exposureMean: Double
    public let exposureMax: Double
    /// The exposure of a canary that is known by heart.
    public let exposureLimit: Double
    /// Of telling inserted from left out canaries.
    public let auc: Double
    /// `nil` with fewer left out canaries than such a rate takes.
    @NumberOrNull public private(set) var tprAt1Percent: Double?
    @NumberOrNull public private(set) var tprAtTenthPercent: Double?
    public let guesses: Int
    public let correct: Int
    public let delta: Double
    public let confidence: Double
    public let epsilonLower: Double
    /// The accountant's; `nil` without a privacy ledger.
    @NumberOrNull public private(set) var epsilonUpper: Double?

    /// Whether the accountant's epsilon cannot be true.
    public var isRefuted: Bool { epsilonUpper.map { epsilonLower > $0 } ?? false }

    /// - Parameters:
    ///   - canaries: How each one's coin fell, and its losses; some on either side.
    ///   - upper: The accountant's epsilon for the change that one canary is.
    public init(
        _ canaries: [(isInserted: Bool, losses: Losses)], unit: CanarySet.Unit, delta: Double, confidence: Double,
        upper: Double?
    ) {
        // What the base model finds easier than another text is no sign of training.
        let gain = { (losses: Losses) in losses.base - losses.tuned }
        let inside = canaries.filter(\.isInserted).map(\.losses)
        let outside = canaries.filter { !$0.isInserted }.map(\.losses)
        let reference = outside.map { -gain($0) }
        let exposures = inside.map { Exposure.bits(loss: -gain($0), among: reference) }
        let curve = OperatingCurve(members: inside.map(gain), others: outside.map(gain))
        let bound = CanaryBound(
            of: canaries.map { (gain($0.losses), $0.isInserted) }, delta: delta, confidence: confidence)
        self.unit = unit
        inserted = inside.count
        leftOut = outside.count
        lossInserted = LossSpread(inside.map(\.tuned)).mean
        lossLeftOut = LossSpread(outside.map(\.tuned)).mean
        exposureMean = LossSpread(exposures).mean
        exposureMax = LossSpread(exposures).worst
        exposureLimit = Exposure.bits(loss: -.infinity, among: reference)
        auc = curve.area
        tprAt1Percent = curve.truePositiveRate(atFalsePositiveRate: 0.01)
        tprAtTenthPercent = curve.truePositiveRate(atFalsePositiveRate: 0.001)
        guesses = bound.best.guesses
        correct = bound.best.correct
        self.delta = delta
        self.confidence = confidence
        epsilonLower = bound.epsilon
        epsilonUpper = upper
    }
}
