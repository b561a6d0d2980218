import LanguageModel
import Randomness
import Testing

@Suite("Generation")
struct GenerationTests {
    @Test("Cached steps give the logits of the whole text", arguments: LlamaFixture.all, [1, 5, 30])
    func cache(_ fixture: LlamaFixture, _ promptLength: Int) throws {
        let model = try fixture.model()
        let adapter = try fixture.adapter(for: model)
        let tokens = Array(try fixture.batch().tokens.prefix(36))
        let whole = model.logits(TokenBatch(tokens: tokens, blocks: 1, length: 36), adapter: adapter)
        var cache = KeyValueCache()
        var pending = Array(tokens[0..<promptLength])
        for length in promptLength...36 {
            let logits = model.nextTokenLogits(after: pending, cache: &cache, adapter: adapter)
            #expect(cache.length == length)
            let expected = Array(whole[(length - 1) * model.vocabularySize..<length * model.vocabularySize])
            #expect(largestDifference(logits, expected) < 1e-4)
            if length < 36 { pending = [tokens[length]] }
        }
    }

    @Test("A text read in parts has transformers' logits", arguments: LlamaFixture.all, [1, 4, 17])
    func parts(_ fixture: LlamaFixture, _ size: Int) throws {
        let model = try fixture.model()
        let adapter = try fixture.adapter(for: model)
        let batch = try fixture.batch()
        try #require(model.readsInParts)
        for (name, adapter) in [("logits", adapter), ("base_logits", nil)] {
            let expected = try fixture.expected(name)
            var cache = KeyValueCache()
            for start in stride(from: 0, to: batch.length, by: size) {
                let end = min(start + size, batch.length)
                let logits = model.nextTokenLogits(
                    after: Array(batch.tokens[start..<end]), cache: &cache, adapter: adapter)
                let row = expected[(end - 1) * model.vocabularySize..<end * model.vocabularySize]
                #expect(largestDifference(logits, Array(row)) < 1e-4)
            }
        }
    }

    @Test("Greedy generation takes the likeliest token of the whole text, and stops as told")
    func greedy() throws {
        let fixture = LlamaFixture("gqa")
        let model = try fixture.model()
        let prompt = Array(try fixture.batch().tokens.prefix(7))
        var random = CounterRandom(key: 1)
        let generated = model.generate(after: prompt, limit: 20, endToken: nil, random: &random)
        var text = prompt
        for token in generated {
            let logits = model.logits(TokenBatch(tokens: text, blocks: 1, length: text.count), adapter: nil).suffix(53)
            #expect(Int(token) == logits.indices.max { logits[$0] < logits[$1] }.map { $0 - logits.startIndex })
            text.append(token)
        }
        #expect(generated.count == 20)
        let end = generated[5]
        let ended = model.generate(after: prompt, limit: 20, endToken: end, random: &random)
        #expect(ended == Array(generated.prefix { $0 != end }))
        var seen = 0
        let stopped = model.generate(after: prompt, limit: 20, endToken: nil, random: &random) { _ in
            seen += 1
            return seen < 3
        }
        #expect(stopped == Array(generated.prefix(3)))
        let long = model.generate(after: prompt, limit: 1000, endToken: nil, random: &random)
        #expect(long.count == model.maximumLength - prompt.count + 1, "up to the last position")
    }

    @Test("Sampling follows temperature, top-k and top-p")
    func sampling() {
        let logits: [Float] = [0, 2, 1, -1]
        func shares(_ sampling: Sampling) -> [Double] {
            var random = CounterRandom(key: 3)
            var counts = [Double](repeating: 0, count: logits.count)
            for _ in 0..<20_000 { counts[Int(sampling.token(logits, random: &random))] += 1 / 20_000 }
            return counts
        }
        func close(_ left: [Double], _ right: [Double]) -> Bool { zip(left, right).allSatisfy { abs($0 - $1) < 0.015 } }
        #expect(close(shares(.greedy), [0, 1, 0, 0]))
        #expect(close(shares(Sampling(temperature: 1)), [0.0871, 0.6439, 0.2369, 0.0321]))
        #expect(close(shares(Sampling(temperature: 2)), [0.1674, 0.4551, 0.2760, 0.1015]))
        #expect(close(shares(Sampling(temperature: 1, topK: 2)), [0, 0.7311, 0.2689, 0]))
        #expect(close(shares(Sampling(temperature: 1, topP: 0.6)), [0, 1, 0, 0]))
        #expect(close(shares(Sampling(temperature: 1, topP: 0.7)), [0, 0.7311, 0.2689, 0]))
    }
}
