internal import Glibc
public import Randomness

/// How the next token is drawn from the model's distribution.
public struct Sampling: Hashable, Sendable {
    /// Divides the logits; 0 always takes the likeliest token.
    public var temperature: Float
    /// Only this many of the likeliest tokens may be drawn; `nil` for all.
    public var topK: Int?
    /// Only the smallest set of likeliest tokens whose probability reaches this may be drawn; 1 for all.
    public var topP: Float

    public static let greedy = Sampling(temperature: 0)

    /// - Precondition: `temperature >= 0`, `topK >= 1`, `0 < topP <= 1`.
    public init(temperature: Float, topK: Int? = nil, topP: Float = 1) {
        precondition(temperature >= 0 && (topK ?? 1) >= 1 && topP > 0 && topP <= 1, "\(temperature), top-p \(topP)")
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
    }

    /// Draws a token: temperature, then top-k, then top-p, as `transformers` orders them. Ties go to the lower id.
    ///
    /// - Parameter logits: `[vocabulary]`, not empty.
    public func token(_ logits: [Float], random: inout CounterRandom) -> Int32 {
        guard temperature > 0, topK != 1 else {
            return Int32(logits.indices.max { (logits[$0], -$0) < (logits[$1], -$1) } ?? 0)
        }
        var candidates = logits.indices.sorted { (logits[$0], -$0) > (logits[$1], -$1) }
        if let topK { candidates.removeLast(max(0, candidates.count - topK)) }
        let highest = Double(logits[candidates[0]])
        var weights = candidates.map { exp((Double(logits[$0]) - highest) / Double(temperature)) }
        if topP < 1 {
            let wanted = Double(topP) * weights.reduce(0, +)
            var reached = 0.0
            let kept = weights.firstIndex { weight in
                reached += weight
                return reached >= wanted
            }
            if let kept { weights.removeLast(weights.count - kept - 1) }
        }
        var rest = random.uniformDouble() * weights.reduce(0, +)
        for (index, weight) in weights.enumerated() {
            rest -= weight
            if rest < 0 { return Int32(candidates[index]) }
        }
        return Int32(candidates[weights.count - 1])
    }
}
