/// ARC, adaptive robust clipping: the `k = ⌊2(f/n)(n − f)⌋` longest updates are shortened to the norm of the next one.
///
/// The bound follows the round's own norms, so it neither needs tuning nor cuts honest updates of a run whose updates
/// shrink; a fixed bound loses the guarantee of the rule behind it, this one keeps it.
///
/// - SeeAlso: Allouah et al. 2024, Algorithm 1 (arXiv:2405.14432).
enum AdaptiveClipping {
    /// Each update's factor.
    static func factors(_ gram: GramMatrix, f: Int) -> [Double] {
        let norms = (0..<gram.count).map(gram.norm)
        let clipped = 2 * f * (gram.count - f) / gram.count
        let bound = norms.sorted(by: >)[min(clipped, gram.count - 1)]
        return norms.map { $0 > bound ? bound / $0 : 1 }
    }
}
