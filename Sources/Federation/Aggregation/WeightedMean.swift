/// The weighted mean of a round's updates, `Σ wₖ Δₖ / Σ wₖ`, taken one update at a time.
///
/// Memory is O(adapter) whatever the number of workers: 8 bytes a parameter. Products and sums are formed in Double and
/// rounded to float32 once, at the end: a product of a float32 and a whole-number weight up to 2²⁹ is exact, so the
/// error of the mean stays near one float32 rounding for any number of workers. (A Double sum costs what a compensated
/// float32 sum would, and is simpler to reason about.)
///
/// The value of a float sum depends on its order: add updates in worker-name order, so that a replayed round gives the
/// same bits whatever the order of arrival.
///
/// - SeeAlso: McMahan et al. 2017, Algorithm 1 (arXiv:1602.05629).
public struct WeightedMean: Sendable {
    private var sum: [Double]
    private var totalWeight = 0.0
    /// Updates added so far.
    public private(set) var updateCount = 0

    /// - Parameter parameterCount: Values in the adapter's flat vector.
    public init(parameterCount: Int) {
        sum = [Double](repeating: 0, count: parameterCount)
    }

    /// Adds one worker's update.
    ///
    /// - Parameters:
    ///   - update: Adapter delta, `[parameterCount]`, float32, in layout order.
    ///   - weight: Training items behind `update` (``WeightCap``); finite and above 0.
    /// - Precondition: The shape and the weight are right: ``UpdateCheck`` has refused anything else.
    public mutating func add(_ update: [Float], weight: Double) {
        precondition(update.count == sum.count, "update \(update.count) values, sum \(sum.count)")
        precondition(weight > 0 && weight.isFinite, "weight \(weight)")
        let values = update.span
        var target = sum.mutableSpan
        for index in values.indices { target[index] += weight * Double(values[index]) }
        totalWeight += weight
        updateCount += 1
    }

    /// How many updates at a time are worth handing to ``add(_:codec:)``: the sum is read and written once for all.
    public static let batch = 8

    /// Adds encoded updates, in the order given; to the bit what ``add(_:weight:)`` does with each, decoded.
    ///
    /// - Throws: ``CodecError`` for an update that cannot be decoded; the mean is of no use then.
    public mutating func add(_ updates: [EncodedUpdate], codec: any UpdateCodec) throws(CodecError) {
        for update in updates {
            precondition(update.weight > 0 && update.weight.isFinite, "weight \(update.weight)")
            totalWeight += update.weight
        }
        updateCount += updates.count
        let count = sum.count
        let outcome = sum.withUnsafeMutableBufferPointer { sum in
            Result { () throws(CodecError) in try codec.add(updates, count: count, to: sum) }
        }
        try outcome.get()
    }

    /// Adds what another mean has taken up, each of its weights times `factor`.
    mutating func add(_ other: WeightedMean, times factor: Double) {
        precondition(other.sum.count == sum.count, "sums of \(other.sum.count) and \(sum.count) values")
        for index in sum.indices { sum[index] += factor * other.sum[index] }
        totalWeight += factor * other.totalWeight
        updateCount += other.updateCount
    }

    /// The mean of everything added, `[parameterCount]`.
    ///
    /// - Throws: ``AggregationError/noUpdates`` if nothing was added.
    public func finish() throws(AggregationError) -> [Float] {
        try finish(dividingBy: totalWeight)
    }

    /// The weighted sum over another divisor than the sum of the weights.
    func finish(dividingBy divisor: Double) throws(AggregationError) -> [Float] {
        guard updateCount > 0 else { throw .noUpdates }
        return sum.withUnsafeBufferPointer { sum in
            [Float](unsafeUninitializedCapacity: sum.count) { mean, count in
                for index in sum.indices { mean.initializeElement(at: index, to: Float(sum[index] / divisor)) }
                count = sum.count
            }
        }
    }
}

/// Why a round's updates could not be aggregated.
public enum AggregationError: Error, Hashable, Sendable {
    case noUpdates
    /// The next adapter, or what the server optimiser would remember, has a value that is no number.
    case notFinite
    /// A robust rule cannot withstand `f` bad updates among so few.
    case tooFewUpdates(rule: RobustRule, f: Int, needed: Int, actual: Int)
}

extension AggregationError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noUpdates:
            "the round closed with no updates; raise federation.deadline or lower federation.minimum-workers"
        case .notFinite:
            "the round's aggregate is not finite; lower training.learning-rate or set training.clip-norm"
        case .tooFewUpdates(let rule, let f, let needed, let actual):
            "the round closed with \(actual) updates, and \(rule.rawValue) needs \(needed) to withstand \(f) bad ones; "
                + "raise federation.minimum-workers, or lower federation.robust-f"
        }
    }
}
