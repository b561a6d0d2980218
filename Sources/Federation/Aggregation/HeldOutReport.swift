/// The losses of some held-out items, as three sums: enough for a mean and its error, and nothing about single items.
public struct HeldOutReport: Hashable, Sendable {
    /// Blocks (causal) or examples (classification); at least 1.
    public let items: UInt64
    /// Sum over items of the item's mean loss. Unit: nats a token.
    public let lossSum: Double
    /// Sum over items of the square of the item's mean loss.
    public let squaredLossSum: Double

    /// Mean over the items. Unit: nats a token.
    public var mean: Double { lossSum / Double(items) }

    /// - Throws: ``HeldOutReportError`` unless these can be the sums of `items` non-negative losses.
    public init(items: UInt64, lossSum: Double, squaredLossSum: Double) throws(HeldOutReportError) {
        guard items > 0 else { throw .noItems }
        guard lossSum.isFinite, squaredLossSum.isFinite, lossSum >= 0, squaredLossSum >= 0 else { throw .notLosses }
        // Σx² ≥ (Σx)²/n holds for any numbers; the slack is for the rounding of sums over many items.
        guard squaredLossSum >= lossSum / Double(items) * lossSum * (1 - 1e-9) else { throw .impossibleSums }
        self.items = items
        self.lossSum = lossSum
        self.squaredLossSum = squaredLossSum
    }
}

/// Why an evaluation report does not count.
public enum HeldOutReportError: Error, Hashable, Sendable {
    case noItems
    case notLosses
    case impossibleSums
}

extension HeldOutReportError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noItems: "the report covers no held-out items"
        case .notLosses: "the report's sums are not sums of finite, non-negative losses"
        case .impossibleSums: "no losses have the report's sum and sum of squares"
        }
    }
}
