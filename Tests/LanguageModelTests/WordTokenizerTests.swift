import LanguageModel
import Testing

@Suite("WordPiece and Unigram tokenizers agree with the Python library")
struct WordTokenizerTests {
    @Test(arguments: [
        "word-piece", "cased", "accents-only", "lower-only", "unclean", "no-ideographs", "nfkc", "nfkd", "nfd-strip",
        "lower", "strip", "strip-left", "nmt", "prepend", "charsmap", "whitespace", "whitespace-split",
        "no-pre-tokenizer", "punctuation", "punctuation-Removed", "punctuation-Contiguous",
        "punctuation-MergedWithPrevious", "punctuation-MergedWithNext", "digits", "bert-processing",
        "roberta-processing", "processors", "no-cleanup", "no-decoder", "short-words", "no-prefix", "strange-prefix",
        "unigram", "bytes", "byte-holes", "positive", "uni-first", "uni-never", "uni-whole", "uni-first-whole", "xlm-r",
        "albert", "t5", "no-split", "cut-to-8", "cut-to-2", "cut-bare",
    ])
    func `token ids and decoded texts of every awkward string`(_ name: String) throws {
        let fixture = try WordTokenizerFixture.load()
        let texts = try TokenizerFixture.load().texts + fixture.texts
        let variant = try #require(fixture.tokenizers[name])
        let tokenizer = try Tokenizer(json: fixture.whole(variant.json), name: name)
        for row in fixture.rows[name] ?? [] {
            let text = texts[row.textIndex]
            let tokens = tokenizer.encode(text, addingSpecialTokens: variant.special, maximumLength: variant.maximum)
            #expect(tokens == row.tokens, "text \(text.debugDescription)")
            let decoded = tokenizer.decode(row.tokens)
            #expect(sameBytes(decoded, row.decoded), "\(decoded.debugDescription) for \(row.decoded.debugDescription)")
            let full = tokenizer.decode(row.tokens, skipSpecialTokens: false)
            #expect(sameBytes(full, row.decodedWithSpecials), "text \(text.debugDescription)")
        }
        #expect(texts.count > 2900)
        for (group, expected) in variant.groups.enumerated() {
            var hasher = TokenHasher()
            for text in texts[group * 50..<min(group * 50 + 50, texts.count)] {
                let tokens = tokenizer.encode(
                    text, addingSpecialTokens: variant.special, maximumLength: variant.maximum)
                hasher.add(tokens)
                hasher.add(tokenizer.decode(tokens))
                hasher.add(tokenizer.decode(tokens, skipSpecialTokens: false))
            }
            #expect(hasher.digest() == expected, "texts from \(group * 50)")
        }
    }

    @Test(arguments: [("word-piece", "WordPiece"), ("unigram", "Unigram")])
    func `an old file that leaves out the model's type gives the same ids`(_ name: String, _ type: String) throws {
        let fixture = try WordTokenizerFixture.load()
        let json = String(decoding: fixture.whole(try #require(fixture.tokenizers[name]).json), as: UTF8.self)
        let old = json.replacing("\"model\":{\"type\":\"\(type)\",", with: "\"model\":{")
        #expect(old.utf8.count < json.utf8.count)
        let tokenizer = try Tokenizer(json: Array(json.utf8), name: name)
        let older = try Tokenizer(json: Array(old.utf8), name: name)
        for text in fixture.texts.prefix(100) { #expect(older.encode(text) == tokenizer.encode(text)) }
    }

    /// Whatever one damaged byte makes of the file, reading it ends with a tokenizer or an error, and encoding too.
    @Test(arguments: ["word-piece", "unigram"])
    func `a damaged byte never stops the program`(_ name: String) throws {
        let fixture = try WordTokenizerFixture.load()
        let json = fixture.whole(try #require(fixture.tokenizers[name]).json)
        var refused = 0
        for (round, position) in stride(from: 0, to: json.count, by: 61).enumerated() {
            var damaged = json
            damaged[position] = [0x41, 0x22, 0x5B, 0x30, 0x39, 0x7D, 0x2F, 0x61][round % 8]
            do throws(TokenizerError) {
                let tokenizer = try Tokenizer(json: damaged, name: "damaged")
                let text = "  Größe [MASK] 12\r\n\tab e\u{301} ＡＢ\u{1F44D} ½\u{1} x"
                _ = tokenizer.decode(tokenizer.encode(text, addingSpecialTokens: true, maximumLength: 20))
            } catch {
                refused += 1
            }
        }
        #expect(refused > 0)
    }

    @Test func `no tokenizer of the fixture is left out above`() throws {
        #expect(try WordTokenizerFixture.load().tokenizers.count == 47)
    }

    @Test(arguments: ["word-piece", "unigram", "bytes", "xlm-r"])
    func `token ids of a large text`(_ name: String) throws {
        let fixture = try WordTokenizerFixture.load()
        let variant = try #require(fixture.tokenizers[name])
        let tokenizer = try Tokenizer(json: fixture.whole(variant.json), name: name)
        var hasher = TokenHasher()
        hasher.add(tokenizer.encode(fixture.largeText(), addingSpecialTokens: variant.special, maximumLength: nil))
        #expect(hasher.digest() == variant.large)
    }

    @Test(arguments: ["byte-level", "sentence-piece"])
    func `token ids of a large text by byte pairs`(_ name: String) throws {
        let fixture = try WordTokenizerFixture.load()
        let tokenizer = try Tokenizer(json: try TokenizerFixture.baseJSON(name), name: name)
        var hasher = TokenHasher()
        hasher.add(tokenizer.encode(fixture.largeText()))
        #expect(hasher.digest() == fixture.older[name])
    }

    @Test(arguments: [
        "clean", "ideographs", "accents", "uncased", "Lowercase", "StripAccents", "Nmt", "NFC", "NFD", "NFKC", "NFKD",
        "Precompiled", "BertPreTokenizer", "Whitespace", "WhitespaceSplit", "Punctuation", "Digits",
    ])
    func `what becomes of every Unicode scalar`(_ name: String) throws {
        let fixture = try WordTokenizerFixture.load()
        let shown = try #require(fixture.scalars[name])
        let tokenizer = try Tokenizer(json: fixture.whole(shown.json), name: name)
        var hasher = TokenHasher()
        for text in WordTokenizerFixture.scalarTexts() { hasher.add(tokenizer.encode(text)) }
        #expect(hasher.digest() == shown.hash)
    }
}

@Suite("How long an encoded text may be, and what fills shorter ones up")
struct TokenizerBatchTests {
    private func tokenizer(truncation: String = "null", padding: String = "null") throws -> Tokenizer {
        let json = """
            {"truncation":\(truncation),"padding":\(padding),"pre_tokenizer":{"type":"BertPreTokenizer"},
            "post_processor":{"type":"BertProcessing","cls":["[CLS]",1],"sep":["[SEP]",2]},
            "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",
            "max_input_chars_per_word":100,"vocab":{"[PAD]":0,"[CLS]":1,"[SEP]":2,"[UNK]":3,"a":4,"b":5}}}
            """
        return try Tokenizer(json: Array(json.utf8), name: "test")
    }

    @Test(
        arguments: [
            (nil, [1, 4, 5, 4, 2]), (6, [1, 4, 5, 4, 2]), (5, [1, 4, 5, 4, 2]), (4, [1, 4, 5, 2]), (3, [1, 4, 2]),
            (2, [1, 2]), (0, [1, 2]),
        ] as [(Int?, [Int32])])
    func `the end of the text goes, the special tokens stay`(_ maximum: Int?, _ expected: [Int32]) throws {
        let tokens = try tokenizer().encode("a b a", addingSpecialTokens: true, maximumLength: maximum)
        #expect(tokens == expected)
    }

    @Test func `without special tokens the whole length is the text's`() throws {
        #expect(try tokenizer().encode("a b a", addingSpecialTokens: false, maximumLength: 2) == [4, 5])
        #expect(try tokenizer().encode("a b a", addingSpecialTokens: false, maximumLength: 0) == [])
        #expect(try tokenizer().specialTokenCount == 2)
    }

    @Test func `the file's own length and padding are told and not applied`() throws {
        let tokenizer = try tokenizer(
            truncation: #"{"max_length":3,"strategy":"LongestFirst","stride":0,"direction":"Right"}"#,
            padding: #"{"strategy":{"Fixed":9},"direction":"Right","pad_id":5,"pad_type_id":0,"pad_token":"b"}"#)
        #expect(tokenizer.fileMaximumLength == 3)
        #expect(tokenizer.paddingID == 5)
        #expect(tokenizer.encode("a b a", addSpecialTokens: true) == [1, 4, 5, 4, 2])
    }

    @Test func `a special token beyond the vocabulary counts among the ids`() throws {
        let json = """
            {"post_processor":{"type":"BertProcessing","cls":["a",0],"sep":["b",9]},
            "model":{"type":"Unigram","unk_id":0,"vocab":[["a",-1]]}}
            """
        #expect(try Tokenizer(json: Array(json.utf8), name: "test").largestID == 9)
        #expect(try tokenizer().largestID == 5)
    }

    @Test func `padding is found in the vocabulary`() throws {
        #expect(try tokenizer().paddingID == 0)
        #expect(try tokenizer().fileMaximumLength == nil)
        let json = #"{"model":{"type":"Unigram","unk_id":0,"vocab":[["a",-1],["<pad>",0]]}}"#
        #expect(try Tokenizer(json: Array(json.utf8), name: "test").paddingID == 1)
        let without = #"{"model":{"type":"Unigram","unk_id":0,"vocab":[["a",-1]]}}"#
        #expect(try Tokenizer(json: Array(without.utf8), name: "test").paddingID == nil)
    }
}
