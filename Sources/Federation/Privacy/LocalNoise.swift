/// What a worker does to its own update before anything of it leaves (`privacy.mechanism: local`).
public enum LocalNoise {
    /// Clips the update and adds noise of its own.
    ///
    /// - Parameters:
    ///   - update: Finite values; changed in place.
    ///   - deviation: Standard deviation of the noise on each value; 0 adds none.
    /// - Returns: Whether the update was within the clip as it came.
    public static func apply(
        to update: inout [Float], clip: Double, deviation: Double, noise: inout some RandomNumberGenerator
    ) -> Bool {
        let isWithin = UpdateClip.clip(&update, to: clip)
        guard deviation > 0 else { return isWithin }
        var values = update.map(Double.init)
        NormalNoise.add(to: &values, deviation: deviation, using: &noise)
        update = values.map { Float($0) }
        return isWithin
    }
}
