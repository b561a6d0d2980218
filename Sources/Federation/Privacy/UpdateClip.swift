/// Bounds one worker's update in L2 norm, all its values together.
public enum UpdateClip {
    /// Below 1 by more than the rounding of the norm and the products together.
    private static let safety = 1 - 1e-6

    /// The L2 norm, summed in Double.
    public static func norm(of update: [Float]) -> Double {
        var squares = 0.0
        for value in update { squares += Double(value) * Double(value) }
        return squares.squareRoot()
    }

    /// Shortens the update to the norm if it is longer.
    ///
    /// - Parameters:
    ///   - update: Finite values; changed in place.
    ///   - limit: The largest norm, above 0.
    /// - Returns: Whether it was within the norm as it came.
    @discardableResult
    public static func clip(_ update: inout [Float], to limit: Double) -> Bool {
        precondition(limit > 0, "a clip of \(limit)")
        let norm = norm(of: update)
        guard norm > limit else { return true }
        let factor = limit / norm * safety
        for index in update.indices { update[index] = Float(Double(update[index]) * factor) }
        return false
    }
}
