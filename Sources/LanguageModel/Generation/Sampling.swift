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
        var likeliest = 0
        for index in logits.indices where logits[index] > logits[likeliest] { likeliest = index }
        guard temperature > 0, topK != 1 else { return Int32(likeliest) }
        let highest = Double(logits[likeliest])
        let weight = { (index: Int) in exp((Double(logits[index]) - highest) / Double(temperature)) }
        var candidates = Array(logits.indices)
        var weights = candidates.map(weight)
        var total = weights.reduce(0, +)
        if let topK {
            candidates.sort { (logits[$0], -$0) > (logits[$1], -$1) }
            candidates.removeLast(max(0, candidates.count - topK))
            weights = candidates.map(weight)
            total = weights.reduce(0, +)
        } else if topP < 1 {
            // All tokens below this together hold less than what top-p leaves out; without them sorting is fast.
            let least = Double(1 - topP) * total / Double(candidates.count)
            candidates.removeAll { weights[$0] < least }
            candidates.sort { (logits[$0], -$0) > (logits[$1], -$1) }
            weights = candidates.map(weight)
        }
        if topP < 1 {
            let wanted = Double(topP) * total
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
