/// How well a score tells members from others, at every threshold.
public struct OperatingCurve: Hashable, Sendable {
    /// Probability that a member scores above another text, ties counted half; ½ for a score that knows nothing.
    public let area: Double
    /// Distinct thresholds from the highest score down: what scores at least so much is called a member.
    private let points: [(falsePositives: Int, truePositives: Int)]
    private let members: Int
    private let others: Int

    /// - Parameters:
    ///   - members: Scores of texts that were trained on; at least one, finite.
    ///   - others: Scores of texts that were not; at least one, finite.
    public init(members: [Double], others: [Double]) {
        precondition(!members.isEmpty && !others.isEmpty, "\(members.count) members, \(others.count) others")
        self.members = members.count
        self.others = others.count
        let all = (members.map { ($0, true) } + others.map { ($0, false) }).sorted { $0.0 > $1.0 }
        var points: [(falsePositives: Int, truePositives: Int)] = []
        var (wrong, right, twiceArea, index) = (0, 0, 0, 0)
        while index < all.count {
            let threshold = all[index].0
            let (wrongBefore, rightBefore) = (wrong, right)
            while index < all.count, all[index].0 == threshold {
                if all[index].1 { right += 1 } else { wrong += 1 }
                index += 1
            }
            twiceArea += (wrong - wrongBefore) * (right + rightBefore)
            points.append((wrong, right))
        }
        self.points = points
        area = Double(twiceArea) / (2 * Double(members.count) * Double(others.count))
    }

    /// The largest part of the members that is found while at most this part of the others is taken for one.
    ///
    /// - Parameter rate: Above 0, at most 1.
    /// - Returns: `nil` with fewer than ``othersNeeded(forFalsePositiveRate:)``: taking none of a few says little about a rate.
    public func truePositiveRate(atFalsePositiveRate rate: Double) -> Double? {
        guard others >= Self.othersNeeded(forFalsePositiveRate: rate) else { return nil }
        let allowed = Int((rate * Double(others) + 1e-9).rounded(.down))
        let best = points.last { $0.falsePositives <= allowed }?.truePositives ?? 0
        return Double(best) / Double(members)
    }

    /// How many others it takes for one of them to be so small a part.
    public static func othersNeeded(forFalsePositiveRate rate: Double) -> Int {
        Int((1 / rate - 1e-9).rounded(.up))
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.members == right.members && left.others == right.others
            && left.points.elementsEqual(right.points) { $0 == $1 }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(area)
        hasher.combine(points.count)
    }
}
