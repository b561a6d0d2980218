import Federation
import ModelFiles

/// SCAFFOLD's global control variate as workers download it: the server optimiser's state, byte for byte.
struct ControlObject {
    let object: ContentHash
    let bytes: [UInt8]

    /// - Parameter round: Published rounds behind `state`.
    /// - Returns: `nil` before the first round's end, where it is zero, and for strategies without one.
    init?(_ state: ServerOptimizerState, after round: Int, _ strategy: ServerStrategy) {
        guard strategy.keepsControl, round > 0 else { return nil }
        bytes = state.encoded()
        object = ContentHash(of: bytes)
    }
}
