import LanguageModel
import Testing

@Suite("Text from tokens as they come")
struct TokenTextStreamTests {
    private func tokenizer(_ name: String) throws -> Tokenizer {
        try Tokenizer(json: try TokenizerFixture.baseJSON(name), name: name)
    }

    @Test("The pieces are what tokenizers makes of the whole", arguments: ["byte-level", "sentence-piece"])
    func pieces(_ name: String) throws {
        let tokenizer = try tokenizer(name)
        let fixture = try TokenizerFixture.load()
        var severalPieces = 0
        for given in try #require(fixture.sets[name]) {
            let text = fixture.texts[given.textIndex]
            var stream = TokenTextStream(tokenizer, after: [])
            var pieces: [String] = []
            for token in given.tokens { pieces.append(stream.append(token)) }
            if pieces.filter({ !$0.isEmpty }).count > 1 { severalPieces += 1 }
            pieces.append(stream.finish())
            #expect(sameBytes(pieces.joined(), given.decoded ?? text), "\(text)")
        }
        #expect(severalPieces > 10)
    }

    @Test("A character of several tokens comes whole", arguments: ["byte-level", "sentence-piece"])
    func characters(_ name: String) throws {
        let tokenizer = try tokenizer(name)
        let prompt = tokenizer.encode("Look:")
        var stream = TokenTextStream(tokenizer, after: prompt)
        let added = tokenizer.encode("Look: 🦩 ok").dropFirst(prompt.count)
        #expect(Array(tokenizer.encode("Look: 🦩 ok").prefix(prompt.count)) == prompt)
        let pieces = added.map { stream.append($0) }
        #expect(pieces.contains(""), "one waits for the next")
        #expect(!pieces.joined().contains("\u{FFFD}"))
        #expect(pieces.joined() == " 🦩 ok" && stream.finish() == "")
    }

    @Test("Half a character at the end is shown as such")
    func unfinished() throws {
        let tokenizer = try tokenizer("byte-level")
        let tokens = tokenizer.encode("ok 🦩").dropLast()
        var stream = TokenTextStream(tokenizer, after: [])
        let shown = tokens.map { stream.append($0) }.joined()
        #expect(shown == "ok " || shown == "ok")
        #expect(shown + stream.finish() == tokenizer.decode(Array(tokens)))
    }

    @Test(
        "A long text is the same, though old tokens are no longer decoded", arguments: ["byte-level", "sentence-piece"])
    func long(_ name: String) throws {
        let tokenizer = try tokenizer(name)
        let text = (0..<150).map { "Line \($0), naïve 🦩 — ok?\n" }.joined()
        let tokens = tokenizer.encode(text)
        #expect(tokens.count > 600)
        var stream = TokenTextStream(tokenizer, after: Array(tokens.prefix(3)))
        let pieces = tokens.dropFirst(3).map { stream.append($0) }
        let start = tokenizer.decode(Array(tokens.prefix(3)))
        #expect(start + pieces.joined() + stream.finish() == tokenizer.decode(tokens))
    }
}
