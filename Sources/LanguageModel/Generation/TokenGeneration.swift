public import Randomness

extension CausalLanguageModel {
    /// Continues a prompt token by token.
    ///
    /// Ends at `endToken` (which is not returned), after `limit` tokens, where the model's positions end, or when
    /// `onToken` returns false.
    ///
    /// - Parameters:
    ///   - prompt: At least one token, at most ``maximumLength``.
    ///   - onToken: Sees each token as it is drawn.
    /// - Returns: The new tokens.
    public func generate(
        after prompt: [Int32], limit: Int, sampling: Sampling = .greedy, endToken: Int32?,
        adapter: LowRankAdapter? = nil, random: inout CounterRandom, onToken: (Int32) -> Bool = { _ in true }
    ) -> [Int32] {
        var cache = KeyValueCache()
        var generated: [Int32] = []
        var pending = prompt
        while generated.count < limit, cache.length + pending.count <= maximumLength {
            let logits = nextTokenLogits(after: pending, cache: &cache, adapter: adapter)
            let token = sampling.token(logits, random: &random)
            guard token != endToken else { break }
            generated.append(token)
            guard onToken(token) else { break }
            pending = [token]
        }
        return generated
    }
}
