/// The sum of a round's updates, each within one norm: adding or leaving out one worker moves it by at most that norm.
///
/// Whatever a worker sent (honest or not, after any codec) is clipped here again. All workers count alike.
public struct ClippedSum: Sendable {
    /// The largest L2 norm of one update.
    public let clip: Double
    /// `[parameterCount]`
    public private(set) var sum: [Double]
    /// Σ (b − ½), b being 1 for a worker whose update was within the clip before it was clipped and 0 for the others.
    public private(set) var centredWithin = 0.0

    public init(parameterCount: Int, clip: Double) {
        precondition(clip > 0 && clip.isFinite, "a clip of \(clip)")
        sum = [Double](repeating: 0, count: parameterCount)
        self.clip = clip
    }

    /// Adds one worker's decoded update, in worker-name order: a float sum depends on it.
    ///
    /// - Parameters:
    ///   - update: `[parameterCount]` finite values.
    ///   - isWithin: What the worker says of its update before it clipped it itself.
    public mutating func add(_ update: [Float], isWithin: Bool) {
        precondition(update.count == sum.count, "update \(update.count) values, sum \(sum.count)")
        var update = update
        UpdateClip.clip(&update, to: clip)
        let values = update.span
        var target = sum.mutableSpan
        for index in values.indices { target[index] += Double(values[index]) }
        centredWithin += isWithin ? 0.5 : -0.5
    }
}
