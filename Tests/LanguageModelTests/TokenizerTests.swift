import Foundation
import LanguageModel
import Testing

@Suite("Tokenizers agree with the Python library")
struct TokenizerTests {
    @Test(arguments: ["byte-level", "sentence-piece"])
    func `token ids and decoded texts of every awkward string`(_ name: String) throws {
        let fixture = try TokenizerFixture.load()
        let cases = try #require(fixture.sets[name])
        #expect(cases.count >= 2000)
        try compare(cases, fixture.texts, try Tokenizer(json: try TokenizerFixture.baseJSON(name), name: name))
    }

    @Test(arguments: [
        "gpt2-prefix", "gpt2-split", "llama3", "qwen2", "nfd", "smollm", "digit-runs", "legacy-merges",
        "metaspace-first", "metaspace-always", "metaspace-never", "gemma", "split-next", "split-contiguous",
        "split-removed", "holes", "holes-unfused", "no-bytes", "no-unknown", "template",
    ])
    func `token ids and decoded texts of a variant`(_ name: String) throws {
        let fixture = try TokenizerFixture.load()
        let cases = try #require(fixture.sets[name])
        #expect(cases.count >= 300)
        let tokenizer = try Tokenizer(json: try TokenizerFixture.variantJSON(name), name: name)
        try compare(cases, fixture.texts, tokenizer, addSpecialTokens: name == "template")
    }

    /// Encodes every text twice: the second time its words are remembered.
    private func compare(
        _ cases: [TokenizerFixture.Case], _ texts: [String], _ tokenizer: Tokenizer, addSpecialTokens: Bool = false
    ) throws {
        for pass in 1...2 {
            for expected in cases {
                let text = texts[expected.textIndex]
                let tokens = tokenizer.encode(text, addSpecialTokens: addSpecialTokens)
                #expect(tokens == expected.tokens, "pass \(pass), text \(text.debugDescription)")
            }
        }
        for expected in cases {
            let text = texts[expected.textIndex]
            let plain = expected.decoded ?? text
            let decoded = tokenizer.decode(expected.tokens)
            #expect(sameBytes(decoded, plain), "\(decoded.debugDescription) for \(plain.debugDescription)")
            let full = tokenizer.decode(expected.tokens, skipSpecialTokens: false)
            #expect(sameBytes(full, expected.decodedWithSpecials ?? plain), "text \(text.debugDescription)")
        }
    }

    @Test func `texts from several threads at once give the same ids as one after the other`() async throws {
        let fixture = try TokenizerFixture.load()
        let tokenizer = try Tokenizer(json: try TokenizerFixture.baseJSON("byte-level"), name: "byte-level")
        let cases = try #require(fixture.sets["byte-level"])
        await withTaskGroup(of: Bool.self) { group in
            for lane in 0..<4 {
                group.addTask {
                    cases.indices.filter { $0 % 4 == lane }.allSatisfy {
                        tokenizer.encode(fixture.texts[cases[$0].textIndex]) == cases[$0].tokens
                    }
                }
            }
            for await agreed in group { #expect(agreed) }
        }
    }
}

@Suite("What a tokenizer knows of its tokens")
struct TokenizerVocabularyTests {
    private func tokenizer() throws -> Tokenizer {
        try Tokenizer(json: try TokenizerFixture.baseJSON("byte-level"), name: "byte-level")
    }

    @Test func `every id and its token name each other`() throws {
        let tokenizer = try tokenizer()
        // The file's ids have no gaps: 760 learned tokens and 13 added ones that are not among them.
        for id in 0..<Int32(tokenizer.vocabularySize) {
            let token = try #require(tokenizer.token(id))
            #expect(tokenizer.id(of: token) == id)
        }
        #expect(tokenizer.vocabularySize == 773)
        #expect(tokenizer.token(Int32(tokenizer.vocabularySize)) == nil)
        #expect(tokenizer.token(-1) == nil)
        #expect(tokenizer.token(.max) == nil)
        #expect(tokenizer.id(of: "no such token") == nil)
    }

    @Test func `ids that no token has are left out of the text`() throws {
        let tokenizer = try tokenizer()
        let tokens = tokenizer.encode("mild")
        #expect(tokenizer.decode([-5, .max, 1_000_000] + tokens + [.min]) == "mild")
    }

    @Test func `composed and decomposed letters are different tokens`() throws {
        let json = """
            {"model":{"type":"BPE","unk_token":null,"vocab":{"e\u{301}":0,"é":1,"e":2,"\u{301}":3},"merges":[["e","\u{301}"]]}}
            """
        let tokenizer = try Tokenizer(json: Array(json.utf8), name: "test")
        #expect(tokenizer.encode("é") == [1])
        #expect(tokenizer.encode("e\u{301}") == [0])
        #expect(tokenizer.vocabularySize == 4)
        #expect(tokenizer.id(of: "é") == 1)
        #expect(tokenizer.id(of: "e\u{301}") == 0)
    }
}
