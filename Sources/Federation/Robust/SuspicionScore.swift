/// How far a worker's updates usually lie from what its rounds' updates became, next to those of the others.
///
/// In each round the workers are ranked by the distance of their update to the round's aggregate, from 0 (nearest) to 1
/// (farthest); the score is the exponentially smoothed rank, from 0.5, where honest workers of like data stay. No
/// verdict: unusual data look the same, and attacks made to lie near the aggregate do not show.
public struct SuspicionScore: Hashable, Sendable {
    public private(set) var value = 0.5
    /// Rounds behind it.
    public private(set) var rounds = 0

    /// How much the newest round counts.
    public static let weight = 0.2

    public init() {}

    /// - Parameter rank: In the newest round, in 0...1.
    public mutating func note(rank: Double) {
        value += Self.weight * (rank - value)
        rounds += 1
    }

    /// Ranks of a round's distances, from 0 to 1; equal distances share the mean of their ranks, and one alone is 0.5.
    public static func ranks(_ distances: [Double]) -> [Double] {
        guard distances.count > 1 else { return distances.map { _ in 0.5 } }
        let sorted = distances.sorted()
        var places: [Double: (first: Int, count: Int)] = [:]
        for (place, distance) in sorted.enumerated() { places[distance, default: (place, 0)].count += 1 }
        return distances.map { distance in
            guard let (first, count) = places[distance] else { return 0.5 }
            return (Double(first) + Double(count - 1) / 2) / Double(distances.count - 1)
        }
    }
}
