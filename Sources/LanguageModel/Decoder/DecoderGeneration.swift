extension Decoder {
    package func nextTokenLogits(
        after tokens: [Int32], cache: inout KeyValueCache, adapter: LowRankAdapter?
    ) -> [Float] {
        precondition(!tokens.isEmpty, "no token to continue from")
        checkTokens(tokens, upTo: cache.length + tokens.count)
        if cache.keys.isEmpty {
            cache.keys = [[Float]](repeating: [], count: configuration.layerCount)
            cache.values = cache.keys
        }
        precondition(cache.keys.count == configuration.layerCount, "a cache of another model")
        let logits = withPass(blocks: 1, length: tokens.count, start: cache.length, adapter: adapter) { pass in
            withUnsafeMutablePointer(to: &cache) { forward(tokens, pass, cache: $0) }
            return headLogits(firstRow: tokens.count - 1, rows: 1, pass)
        }
        cache.length += tokens.count
        return logits
    }
}
