import FineTuning
import HTTPTypes
import LanguageModel
import Serving
import Testing

@Suite("Several texts on one model")
struct GenerationEngineTests {
    private func tokens(_ generation: Generation) async -> [Int32] {
        var tokens: [Int32] = []
        for await event in generation.events {
            guard case .step(let step) = event else { continue }
            if let token = step.token, step.ending != .endToken { tokens.append(token.id) }
        }
        return tokens
    }

    @Test("each get what transformers gives them alone, with its probabilities", arguments: [nil, 3])
    func asTransformers(_ promptPart: Int?) async throws {
        let fixture = try ServedFixture()
        let engine = GenerationEngine(fixture.base, activeMax: 3, waitingMax: 8)
        let rows = try ServedFixture.Greedy.all()
        let generations = try rows.map { row in
            try engine.start(
                Continuation(
                    of: row.promptTokens, tokenizer: fixture.base.tokenizer,
                    fixture.settings(32, promptPart: promptPart)), adapter: nil)
        }
        for (row, generation) in zip(rows, generations) {
            var (text, tokens, chances) = ("", [Int32](), [Double]())
            for await event in generation.events {
                guard case .step(let step) = event else { continue }
                text += step.text
                guard let token = step.token, step.ending != .endToken else { continue }
                tokens.append(token.id)
                chances.append(try #require(token.logProbability))
            }
            #expect(tokens == row.tokens && text == row.text)
            #expect(zip(chances, row.logProbabilities).allSatisfy { abs($0 - $1) < 1e-3 })
        }
    }

    @Test("each get their own adapter's text, as a recomputation of the whole text gives it")
    func adapters() async throws {
        let fixture = try ServedFixture()
        let prompt = try #require(try ServedFixture.Greedy.all().first).promptTokens
        let expected = [nil, fixture.adapter].map { fixture.recomputed(after: prompt, count: 20, adapter: $0) }
        try #require(expected[0] != expected[1])
        let engine = GenerationEngine(fixture.base, activeMax: 4, waitingMax: 0)
        let generations = try [nil, fixture.adapter, nil, fixture.adapter].map { adapter in
            try engine.start(
                Continuation(of: prompt, tokenizer: fixture.base.tokenizer, fixture.settings(20)), adapter: adapter)
        }
        for (index, generation) in generations.enumerated() {
            #expect(await tokens(generation) == expected[index % 2])
        }
    }

    @Test("leave: who drops its events makes room for another")
    func leaving() async throws {
        let fixture = try ServedFixture()
        let engine = GenerationEngine(fixture.base, activeMax: 1, waitingMax: 1)
        let prompt = try #require(try ServedFixture.Greedy.all().first).promptTokens
        func start(_ count: Int) throws -> Generation {
            try engine.start(
                Continuation(
                    of: prompt, tokenizer: fixture.base.tokenizer, Continuation.Settings(maxTokens: count)),
                adapter: nil, holdAfter: 2)
        }
        let first = try start(200)
        let second = try start(200)
        let refused = #expect(throws: RequestProblem.self) { try start(1) }
        #expect(refused?.status == .tooManyRequests && refused?.retryAfter != nil && refused?.code == "queue_full")
        // Held after two tokens: the other's turn, then nobody's.
        for await event in first.events { if case .held = event { break } }
        for await event in second.events { if case .held = event { break } }
        first.cancel()
        let third = try start(3)
        second.resume()
        second.cancel()
        for await event in third.events { if case .held = event { break } }
        third.resume()
        #expect(await tokens(third).count == 1)
        #expect(engine.load == (0, 0))
    }

    @Test("held ones go on where they stopped")
    func holding() async throws {
        let fixture = try ServedFixture()
        let engine = GenerationEngine(fixture.base, activeMax: 1, waitingMax: 0)
        let row = try #require(try ServedFixture.Greedy.all().first)
        let generation = try engine.start(
            Continuation(of: row.promptTokens, tokenizer: fixture.base.tokenizer, fixture.settings(32)), adapter: nil,
            holdAfter: 5)
        var tokens: [Int32] = []
        var heldAt: Int?
        for await event in generation.events {
            switch event {
            case .step(let step): if let token = step.token { tokens.append(token.id) }
            case .held:
                heldAt = tokens.count
                generation.resume()
            }
        }
        #expect(heldAt == 5 && tokens == row.tokens)
    }
}
