internal import Glibc

/// How far an inserted canary stands out among those that were left out: `log₂|R| − log₂ rank`, R being those and itself.
///
/// A model that learned nothing of it gives 1.44 bits on average, whatever the number of canaries; one that knows it by
/// heart gives log₂|R|.
/// - SeeAlso: Carlini et al. 2019 (arXiv:1802.08232), section 4.
public enum Exposure {
    /// - Parameters:
    ///   - loss: Of the inserted canary; ties rank behind.
    ///   - reference: Losses of the canaries that were left out.
    /// - Returns: Unit: bits.
    public static func bits(loss: Double, among reference: [Double]) -> Double {
        let rank = 1 + reference.count { $0 <= loss }
        return log2(Double(reference.count + 1)) - log2(Double(rank))
    }
}
