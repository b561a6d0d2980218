public import Randomness

/// Turns an update and its weight into integers that can be summed under masks, and their sum into the weighted mean.
///
/// All workers share one clip C and one step s = W·C / L, with W the largest weight and L the levels on each side of
/// zero: value x of a worker of weight w becomes w·clamp(x, −C, C) / s, rounded up or down at random so that its mean
/// is right. Scales of their own could not be summed.
///
/// **No sum overflows.** Each integer lies in −L…L, since w ≤ W and |clamp(x)| ≤ C, so the sum over n workers lies in
/// −nL…nL: 2nL + 1 different values. The weight is one more coordinate in 0…W and sums to at most nW. Both fit into b
/// bits if 2^b > max(2nL, nW), and the sum modulo 2^b, taken as signed for values and as unsigned for the weight, is
/// the sum itself. ``bits(cohort:)`` is the smallest such b, for all n that take part: fewer that survive need no more.
/// With ``noise`` the sum lies in −nL − R…nL + R, R being what ``SharedNoise`` keeps free, but for the chance it states.
public struct WeightedQuantisation: Hashable, Sendable {
    /// Values beyond ±clip are cut off. Unit: of the update's values; positive and finite.
    public let clip: Float
    /// Steps on each side of zero that the largest weight has, at least 1.
    public let levels: Int
    /// The largest weight, at least 1.
    public let weightLimit: Int
    /// What workers add to their integers; with it all weigh 1.
    public let noise: SharedNoise?

    public init(clip: Float, levels: Int, weightLimit: Int, noise: SharedNoise? = nil) {
        precondition(noise == nil || weightLimit == 1, "noise is shared among workers of weight 1")
        precondition(clip > 0 && clip.isFinite, "a clip of \(clip)")
        precondition(1...1 << 30 ~= levels && 1...1 << 31 ~= weightLimit, "\(levels) levels, weights to \(weightLimit)")
        self.clip = clip
        self.levels = levels
        self.weightLimit = weightLimit
        self.noise = noise
    }

    /// What one integer stands for in Σ weight · value.
    public var step: Double { Double(weightLimit) * Double(clip) / Double(levels) }

    /// The smallest b with 2^b > max(2 · (cohort · levels + R), cohort · weightLimit), R the reach of the noise.
    ///
    /// - Throws: ``MaskingError/tooManyBits(cohort:bits:)`` above 32.
    public func bits(cohort: Int) throws(MaskingError) -> Int {
        precondition(1...1 << 28 ~= cohort, "\(cohort) workers")
        let reach = (noise?.reach(cohort: cohort) ?? 0).rounded(.up)
        guard reach < 0x1p40 else { throw .tooManyBits(cohort: cohort, bits: 64) }
        let bits = Int.bitWidth - max(2 * (cohort * levels + Int(reach)), cohort * weightLimit).leadingZeroBitCount
        guard bits <= 32 else { throw .tooManyBits(cohort: cohort, bits: bits) }
        return bits
    }

    /// - Parameters:
    ///   - values: The update, `[parameterCount]`.
    ///   - weight: 0 to ``weightLimit``.
    ///   - random: Rounds up or down; nothing secret follows from it.
    /// - Returns: `[parameterCount + 1]`: the values' integers in two's complement, then the weight.
    /// - Throws: ``MaskingError/notFinite(index:)``, ``MaskingError/weightOutOfRange(weight:limit:)``.
    public func words(_ values: [Float], weight: Int, rounding random: inout CounterRandom) throws(MaskingError)
        -> [UInt32]
    {
        guard 0...weightLimit ~= weight else { throw .weightOutOfRange(weight: weight, limit: weightLimit) }
        let (clip, scale, limit) = (Double(clip), Double(weight) / step, Double(levels))
        var words: [UInt32] = []
        words.reserveCapacity(values.count + 1)
        for (index, value) in values.enumerated() {
            guard value.isFinite else { throw .notFinite(index: index) }
            let exact = min(clip, max(-clip, Double(value))) * scale
            // 24 random bits and a quotient below 2³⁰ are exact in double precision.
            let rounded = (exact + Double(random.uniform())).rounded(.down)
            words.append(UInt32(bitPattern: Int32(min(limit, max(-limit, rounded)))))
        }
        words.append(UInt32(truncatingIfNeeded: weight))
        return words
    }

    /// Takes a sum apart that ``words(_:weight:rounding:)`` made the summands of.
    ///
    /// - Parameters:
    ///   - words: `[parameterCount + 1]`, right modulo 2^bits.
    ///   - bits: ``bits(cohort:)`` of the whole cohort.
    public func sum(of words: [UInt32], bits: Int) -> WeightedSum {
        precondition(!words.isEmpty && 1...32 ~= bits, "\(words.count) words of \(bits) bits")
        let unused = UInt32(32 - bits)
        return WeightedSum(
            integers: words.dropLast().map { Int32(bitPattern: $0 << unused) >> Int32(unused) },
            weight: Int((words[words.count - 1] << unused) >> unused), step: step)
    }
}

/// The sum of weighted updates.
public struct WeightedSum: Hashable, Sendable {
    /// Σ weight · value in steps, `[parameterCount]`.
    public let integers: [Int32]
    /// Σ weight.
    public let weight: Int
    /// Unit: of weight · value.
    public let step: Double

    /// Σ weight · value / Σ weight, `[parameterCount]`.
    ///
    /// - Throws: ``MaskingError/noWeight`` where all weights are 0.
    public func mean() throws(MaskingError) -> [Float] {
        guard weight > 0 else { throw .noWeight }
        let factor = step / Double(weight)
        return integers.map { Float(Double($0) * factor) }
    }
}
