/// What one forward (and backward) pass works on.
struct Pass {
    let blocks: Int
    /// Tokens a block.
    let length: Int
    /// The first token's position: what a key/value cache already holds.
    let start: Int
    let adapter: BoundAdapter?
    /// Whether a backward pass follows.
    let keepsActivations: Bool

    /// Tokens of all blocks.
    var rows: Int { blocks * length }

    func factors(_ position: Int) -> LowRankFactors? { adapter?.factors[position] }
}
