/// Turns values of the standard normal distribution into symbols, and symbols into levels.
protocol NormalQuantiser: Sendable {
    /// How often each symbol comes.
    var model: RANSModel { get }
    /// The largest magnitude of a level.
    var largestLevel: Float { get }

    /// - Parameters:
    ///   - values: `count` of them are used, a multiple of 64; their mean square is 1.
    ///   - symbols: Gets one for each.
    /// - Returns: ⟨values, levels⟩, above 0.
    func quantise(_ values: [Float], count: Int, into symbols: inout [UInt16]) -> Double

    /// - Parameter symbols: Any that ``model`` can decode.
    func levels(of symbols: [UInt16], count: Int, into levels: inout [Float])
}
