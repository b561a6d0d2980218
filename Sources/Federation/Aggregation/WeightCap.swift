/// How much one worker's update counts: the size of its training set, up to a cap (`federation.weight-cap`).
///
/// A cap keeps one large data owner from steering the adapter alone, and bounds what a worker gains by overstating its
/// size.
public struct WeightCap: Hashable, Sendable {
    /// The most items that count; `nil` counts all. Unit: blocks (causal) or examples (classification).
    public let maximumItems: Int?

    /// - Precondition: `maximumItems`, if given, is at least 1.
    public init(maximumItems: Int? = nil) {
        precondition(maximumItems.map { $0 >= 1 } ?? true, "weight cap \(maximumItems ?? 0)")
        self.maximumItems = maximumItems
    }

    /// The weight for ``WeightedMean/add(_:weight:)``; 0 only for no items, which ``UpdateCheck`` refuses.
    public func weight(trainingItems: UInt64) -> Double {
        guard let maximumItems else { return Double(trainingItems) }
        return Double(min(trainingItems, UInt64(maximumItems)))
    }
}
