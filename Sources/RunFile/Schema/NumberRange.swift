import Federation

/// The finite numbers that a key takes.
struct NumberRange: Hashable, Sendable {
    var minimum: Double
    var isMinimumExcluded = false
    var below: Double?
    var maximum: Double?

    static let positive = NumberRange(minimum: 0, isMinimumExcluded: true)
    static let nonNegative = NumberRange(minimum: 0)
    /// What the accountants can count.
    static let delta = NumberRange(minimum: PrivacyLossAccountant.leastDelta, below: 1)
    /// `[0, 1)`
    static let fraction = NumberRange(minimum: 0, below: 1)

    func contains(_ value: Double) -> Bool {
        value.isFinite && (isMinimumExcluded ? value > minimum : value >= minimum) && (below.map { value < $0 } ?? true)
            && (maximum.map { value <= $0 } ?? true)
    }

    /// Completes "a number …".
    var expectation: String {
        let lower = isMinimumExcluded ? "above \(Self.text(minimum))" : "of at least \(Self.text(minimum))"
        if let maximum { return "\(lower) and at most \(Self.text(maximum))" }
        return below.map { "\(lower) and below \(Self.text($0))" } ?? lower
    }

    private static func text(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value))" : "\(value)"
    }
}
