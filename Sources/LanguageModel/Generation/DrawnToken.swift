internal import Glibc

/// A token that was drawn, and how likely the model held it before temperature and top-p.
public struct DrawnToken: Hashable, Sendable {
    public struct Candidate: Hashable, Sendable {
        public let id: Int32
        /// Unit: nats.
        public let logProbability: Double
    }

    public let id: Int32
    /// `nil` where nobody asked: it takes a pass over the vocabulary. Unit: nats.
    public let logProbability: Double?
    /// The likeliest tokens, likeliest first; of equals the lower id comes first.
    public let alternatives: [Candidate]

    /// - Parameters:
    ///   - logits: `[vocabulary]`, what the token was drawn from.
    ///   - alternatives: How many of the likeliest tokens to name; `nil`: no probabilities at all.
    init(_ id: Int32, from logits: [Float], alternatives: Int?) {
        self.id = id
        guard let alternatives, let highest = logits.max() else {
            logProbability = nil
            self.alternatives = []
            return
        }
        let sum = logits.reduce(0.0) { $0 + exp(Double($1 - highest)) }
        let norm = Double(highest) + log(sum)
        logProbability = Double(logits[Int(id)]) - norm
        self.alternatives = Self.largest(alternatives, of: logits).map { index in
            Candidate(id: Int32(index), logProbability: Double(logits[index]) - norm)
        }
    }

    /// Places of the largest values, the largest first.
    private static func largest(_ count: Int, of values: [Float]) -> [Int] {
        var found: [Int] = []
        guard count > 0 else { return found }
        for index in values.indices {
            if found.count == count {
                guard values[index] > values[found[count - 1]] else { continue }
                found.removeLast()
            }
            found.insert(index, at: found.firstIndex { values[index] > values[$0] } ?? found.count)
        }
        return found
    }
}
