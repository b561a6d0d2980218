import FineTuning
import FixtureFiles
import LanguageModel
import Testing

@Suite("Continuing a prompt")
struct ContinuationTests {
    private let base: PretrainedModel
    private let prompt = "The patient"

    init() throws {
        base = try PretrainedModel(path: FixtureFiles.packagePath("Sources/CBuiltIn/files"))
    }

    private func text(
        _ stops: [String] = [], maxTokens: Int = 40, temperature: Float = 0, seed: UInt64 = 0,
        onText: (String) -> Void = { _ in }
    ) throws -> String {
        try base.continuation(
            of: prompt, adapter: nil, maxTokens: maxTokens, stops: stops, sampling: Sampling(temperature: temperature),
            seed: seed, onText: onText)
    }

    @Test("comes piece by piece, the prompt first, and is what the tokens decode to")
    func pieces() throws {
        var pieces: [String] = []
        let whole = try text { pieces.append($0) }
        #expect(pieces.first == prompt)
        #expect(pieces.count > 10)
        #expect(pieces.joined() == whole)
        let begin = [base.configuration.beginToken].compactMap { $0 }
        let tokens = begin + base.tokenizer.encode(prompt)
        var all = tokens
        while all.count < tokens.count + 40 {
            let batch = TokenBatch(tokens: all, blocks: 1, length: all.count)
            let logits = Array(base.model.logits(batch, adapter: nil).suffix(base.model.vocabularySize))
            let best = Int32(try #require(logits.indices.max { logits[$0] < logits[$1] }))
            if best == base.configuration.endToken { break }
            all.append(best)
        }
        #expect(whole == base.tokenizer.decode(all))
    }

    @Test("ends before a stop string, wherever in the text it stands, and never shows a part of it")
    func stops() throws {
        let added = try text().dropFirst(prompt.count)
        try #require(added.count > 30)
        for start in stride(from: 0, to: 24, by: 4) {
            let stop = String(added.dropFirst(start).prefix(7))
            let end = try #require(added.firstRange(of: stop)).lowerBound
            var shown = ""
            let stopped = try text([stop, "\u{1}never"]) { piece in
                shown += piece
                #expect((prompt + added[..<end]).hasPrefix(shown), "shown too early: \(shown)")
            }
            #expect(stopped == prompt + added[..<end] && shown == stopped)
        }
        // The beginning of a stop string that is never complete is ordinary text.
        #expect(try text([String(added.suffix(4)) + "\u{1}"]) == prompt + added)
        #expect(try text([prompt]) == prompt + added, "the prompt's own text does not count")
    }

    @Test("repeats with its seed, and differs with another")
    func seeds() throws {
        let first = try text(temperature: 1, seed: 5)
        #expect(try text(temperature: 1, seed: 5) == first)
        #expect(try text(temperature: 1, seed: 6) != first)
    }
}
