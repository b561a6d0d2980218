import FixtureFiles
import LanguageModel
import Testing

/// A small `tokenizer.json` with parts to exchange.
private struct Parts {
    var version = "\"1.0\""
    var truncation = "null"
    var padding = "null"
    var added = "[]"
    var normalizer = "null"
    var preTokenizer = "null"
    var postProcessor = "null"
    var decoder = "null"
    var model: String?
    var type = "\"BPE\""
    var options = ""
    var vocabulary = #"{"a":0,"b":1,"ab":2}"#
    var merges = #"[["a","b"]]"#

    var json: String {
        let model = model ?? "{\"type\":\(type),\(options)\"vocab\":\(vocabulary),\"merges\":\(merges)}"
        return """
            {"version":\(version),"truncation":\(truncation),"padding":\(padding),"added_tokens":\(added),
            "normalizer":\(normalizer),"pre_tokenizer":\(preTokenizer),"post_processor":\(postProcessor),
            "decoder":\(decoder),"model":\(model)}
            """
    }
}

private func refusal(_ json: String) -> TokenizerError? {
    do throws(TokenizerError) {
        _ = try Tokenizer(json: Array(json.utf8), name: "tokenizer.json")
        return nil
    } catch {
        return error
    }
}

@Suite("Tokenizer files that are refused")
struct TokenizerErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let json: String
        /// What the message must contain.
        let mentions: [String]

        fileprivate init(_ description: String, _ mentions: [String], _ change: (inout Parts) -> Void) {
            testDescription = description
            self.mentions = mentions
            var parts = Parts()
            change(&parts)
            json = parts.json
        }
    }

    static let unsupported = [
        Case("a later version", ["version", "2.0"]) { $0.version = "\"2.0\"" },
        Case("truncation from the left", ["truncation.direction", "Left"]) {
            $0.truncation = #"{"max_length":4,"direction":"Left"}"#
        },
        Case("another model", ["model", "WordLevel", "BPE"]) { $0.type = "\"WordLevel\"" },
        Case("a unigram model without an unknown token", ["unk_id"]) {
            $0.model = #"{"type":"Unigram","unk_id":null,"vocab":[["a",-1]]}"#
        },
        Case("words over bytes", ["model", "WordPiece", "ByteLevel"]) {
            $0.preTokenizer = #"{"type":"ByteLevel","add_prefix_space":false}"#
            $0.model = """
                {"type":"WordPiece","unk_token":"a","continuing_subword_prefix":"##",
                "max_input_chars_per_word":100,"vocab":{"a":0}}
                """
        },
        Case("a unigram model that samples", ["model.alpha", "sampling"]) {
            $0.model = #"{"type":"Unigram","unk_id":0,"alpha":0.1,"vocab":[["a",-1]]}"#
        },
        Case("no model type", ["without a type"]) { $0.model = #"{"vocab":{}}"# },
        Case("dropout", ["model.dropout"]) { $0.options = #""dropout":0.1,"# },
        Case("a subword prefix", ["continuing_subword_prefix", "##"]) {
            $0.options = ###""continuing_subword_prefix":"##","###
        },
        Case("a word suffix", ["end_of_word_suffix", "</w>"]) { $0.options = #""end_of_word_suffix":"</w>","# },
        Case("a normalizer", ["normalizer", "ByteLevel"]) { $0.normalizer = #"{"type":"ByteLevel"}"# },
        Case("a normalizer in a sequence", ["normalizer.normalizers[0]", "ByteLevel"]) {
            $0.normalizer = #"{"type":"Sequence","normalizers":[{"type":"ByteLevel"}]}"#
        },
        Case("replacing by regular expression", ["normalizer", "a+"]) {
            $0.normalizer = #"{"type":"Replace","pattern":{"Regex":"a+"},"content":"b"}"#
        },
        Case("a pre-tokenizer", ["pre_tokenizer", "UnicodeScripts"]) {
            $0.preTokenizer = #"{"type":"UnicodeScripts"}"#
        },
        Case("a pre-tokenizer after ByteLevel", ["pretokenizers[1]", "after ByteLevel"]) {
            $0.preTokenizer =
                #"{"type":"Sequence","pretokenizers":[{"type":"ByteLevel","add_prefix_space":true},{"type":"Digits"}]}"#
        },
        Case("an unknown pattern", ["pre_tokenizer.pattern.Regex", #"\\w+"#, "Llama 3"]) {
            $0.preTokenizer = #"{"type":"Split","pattern":{"Regex":"\\w+"},"behavior":"Isolated"}"#
        },
        Case("an unknown split behaviour", ["behavior", "Shredded"]) {
            $0.preTokenizer = #"{"type":"Split","pattern":{"String":"a"},"behavior":"Shredded"}"#
        },
        Case("an unknown prefix scheme", ["prepend_scheme", "last"]) {
            $0.preTokenizer = #"{"type":"Metaspace","replacement":"▁","prepend_scheme":"last"}"#
        },
        Case("marking the start of a text that may lose it", ["pre_tokenizer", "first"]) {
            $0.normalizer = #"{"type":"Strip","strip_left":true,"strip_right":true}"#
            $0.preTokenizer = #"{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"}"#
        },
        Case("a post-processor", ["post_processor", "Other"]) { $0.postProcessor = #"{"type":"Other"}"# },
        Case("a token type in a template", ["post_processor.single[1].SpecialToken.type_id", "2"]) {
            $0.postProcessor = """
                {"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}},
                {"SpecialToken":{"id":"a","type_id":2}}],"special_tokens":{"a":{"id":"a","ids":[0],"tokens":["a"]}}}
                """
        },
        Case("a decoder", ["decoder", "CTC"]) { $0.decoder = #"{"type":"CTC"}"# },
    ]

    /// Replacements that each double a letter.
    private static func doubling(_ count: Int) -> String {
        let replacement = #"{"type":"Replace","pattern":{"String":"a"},"content":"aa"}"#
        return [String](repeating: replacement, count: count).joined(separator: ",")
    }

    @Test func `replacements that multiply are taken up to their limit`() {
        var parts = Parts()
        parts.normalizer = #"{"type":"Sequence","normalizers":[\#(Self.doubling(12))]}"#
        parts.decoder = #"{"type":"Sequence","decoders":[\#(Self.doubling(12))]}"#
        #expect(refusal(parts.json) == nil)
    }

    static let invalid = [
        Case("replacements that fill any memory", ["normalizer", "times as long"]) {
            $0.normalizer = #"{"type":"Sequence","normalizers":[\#(doubling(13))]}"#
        },
        Case("replacements in sequences of sequences", ["normalizer", "times as long"]) {
            let inner = #"{"type":"Sequence","normalizers":[\#(doubling(7))]}"#
            $0.normalizer = #"{"type":"Sequence","normalizers":[\#(inner),\#(inner)]}"#
        },
        Case("a decoder's replacements", ["decoder", "times as long"]) {
            $0.decoder = #"{"type":"Sequence","decoders":[\#(doubling(40))]}"#
        },
        Case("a model that is no object", ["model", "an array"]) { $0.model = "[]" },
        Case("no model", ["lacks model"]) { $0.model = "null" },
        Case("a vocabulary that is no object", ["model.vocab"]) { $0.vocabulary = "[]" },
        Case("a negative id", ["model.vocab", "\"a\""]) { $0.vocabulary = #"{"a":-1}"# },
        Case("a fractional id", ["model.vocab"]) { $0.vocabulary = #"{"a":0.5}"# },
        Case("an id that asks for gigabytes", ["model.vocab", "4194303"]) { $0.vocabulary = #"{"a":4000000000}"# },
        Case("an id beyond 64 bits", ["model.vocab"]) { $0.vocabulary = #"{"a":99999999999999999999999}"# },
        Case("one id for two tokens", ["model.vocab", "two tokens"]) { $0.vocabulary = #"{"a":0,"b":0}"# },
        Case("one token twice", ["model.vocab", "twice"]) { $0.vocabulary = #"{"a":0,"a":1}"# },
        Case("a merge of an unknown token", ["merges[1]", "\"c\""]) { $0.merges = #"[["a","b"],["a","c"]]"# },
        Case("a merge into an unknown token", ["merges[0]", "\"ba\""]) { $0.merges = #"["b a"]"# },
        Case("a merge of three", ["merges[0]"]) { $0.merges = #"["a b a"]"# },
        Case("a merge of one", ["merges[0]"]) { $0.merges = #"[["a"]]"# },
        Case("a merge that is a number", ["merges[0]", "an integer"]) { $0.merges = "[7]" },
        Case("merges that are no array", ["model.merges"]) { $0.merges = "{}" },
        Case("an unknown token that is missing", ["unk_token", "<unk>"]) { $0.options = #""unk_token":"<unk>","# },
        Case("a flag that is a string", ["byte_fallback"]) { $0.options = #""byte_fallback":"yes","# },
        Case("an added token with another id", ["added_tokens[0]", "it is 3"]) {
            $0.added = Self.added("x", 7)
        },
        Case("an added token with a negative id", ["added_tokens[0].id"]) { $0.added = Self.added("x", -1) },
        Case("an added token without flags", ["lacks single_word"]) { $0.added = #"[{"id":3,"content":"x"}]"# },
        Case("an empty replacement pattern", ["normalizer.pattern"]) {
            $0.normalizer = #"{"type":"Replace","pattern":{"String":""},"content":"b"}"#
        },
        Case("an empty split pattern", ["pre_tokenizer.pattern"]) {
            $0.preTokenizer = #"{"type":"Split","pattern":{"String":""},"behavior":"Isolated"}"#
        },
        Case("a replacement of two characters", ["replacement", "one character"]) {
            $0.preTokenizer = #"{"type":"Metaspace","replacement":"__"}"#
        },
        Case("contradicting prefix options", ["add_prefix_space"]) {
            $0.preTokenizer =
                #"{"type":"Metaspace","replacement":"_","add_prefix_space":false,"prepend_scheme":"first"}"#
        },
        Case("a template without text", ["post_processor.single"]) {
            $0.postProcessor = #"{"type":"TemplateProcessing","single":[],"special_tokens":{}}"#
        },
        Case("a template with an unknown special token", ["lacks <s>"]) {
            $0.postProcessor =
                #"{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}}],"special_tokens":{}}"#
        },
        Case("an unknown word that is missing", ["model.unk_token", "[UNK]"]) {
            $0.model = """
                {"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",
                "max_input_chars_per_word":100,"vocab":{"a":0}}
                """
        },
        Case("an unknown token outside the vocabulary", ["model.unk_id"]) {
            $0.model = #"{"type":"Unigram","unk_id":1,"vocab":[["a",-1]]}"#
        },
        Case("a unigram token without its score", ["model.vocab[0]"]) {
            $0.model = #"{"type":"Unigram","unk_id":0,"vocab":[["a"]]}"#
        },
        Case("a score that is no number", ["model.vocab[0][1]", "a string"]) {
            $0.model = #"{"type":"Unigram","unk_id":0,"vocab":[["a","b"]]}"#
        },
        Case("a unigram token twice", ["model.vocab", "twice"]) {
            $0.model = #"{"type":"Unigram","unk_id":0,"vocab":[["a",0],["a",-1]]}"#
        },
        Case("a character map that is not base64", ["precompiled_charsmap", "base64"]) {
            $0.normalizer = #"{"type":"Precompiled","precompiled_charsmap":"a$=="}"#
        },
        Case("a character map that is cut short", ["precompiled_charsmap", "trie"]) {
            $0.normalizer = #"{"type":"Precompiled","precompiled_charsmap":"AAQAAAAA"}"#
        },
        Case("a padding token that is no id", ["padding.pad_id"]) { $0.padding = #"{"pad_id":-1}"# },
        Case("a length that is no number", ["truncation.max_length"]) { $0.truncation = #"{"max_length":"4"}"# },
        Case("special tokens without ids", ["post_processor.cls"]) {
            $0.postProcessor = #"{"type":"BertProcessing","sep":["a",0],"cls":["b"]}"#
        },
        Case("a strip count below zero", ["decoder.start"]) {
            $0.decoder = #"{"type":"Strip","content":" ","start":-1,"stop":0}"#
        },
    ]

    private static func added(_ content: String, _ id: Int) -> String {
        """
        [{"id":\(id),"content":"\(content)","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,\
        "special":false}]
        """
    }

    @Test func `the file that the cases change is itself accepted`() {
        #expect(refusal(Parts().json) == nil)
    }

    @Test(arguments: unsupported)
    func `what is not supported is refused by name`(_ given: Case) throws {
        let error = try #require(refusal(given.json))
        guard case .unsupported = error else {
            Issue.record("\(error)")
            return
        }
        for mention in given.mentions { #expect("\(error)".contains(mention), "\(error)") }
    }

    @Test(arguments: invalid)
    func `what cannot be is refused with its field`(_ given: Case) throws {
        let error = try #require(refusal(given.json))
        guard case .invalidField = error else {
            Issue.record("\(error)")
            return
        }
        for mention in given.mentions { #expect("\(error)".contains(mention), "\(error)") }
    }

    @Test func `a directory without tokenizer.json is refused with the path looked for`() {
        let path = FixtureFiles.path("tokenizers")
        #expect(throws: TokenizerError.missingFile(path: path + "/tokenizer.json")) { try Tokenizer(directory: path) }
    }
}

@Suite("Tokenizer files that are not JSON")
struct TokenizerMalformedFileTests {
    @Test(arguments: [
        "", " ", "{", "}", "[1,]", "{\"a\":}", "{\"a\" 1}", "{\"a\":1,}", "{a:1}", "nul", "tru e", "{} {}", "01", "-",
        "1.",
        "1e", "+1", ".5", "1e999", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"",
        "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"a\nb\"", "\u{FEFF}{}",
    ])
    func `malformed text is refused with its place`(_ text: String) throws {
        guard case .malformedJSON = try #require(refusal(text)) else {
            Issue.record("\(String(describing: refusal(text)))")
            return
        }
    }

    @Test func `nesting too deep for the stack is refused`() throws {
        let text = String(repeating: "[", count: 1_000_000)
        guard case .malformedJSON = try #require(refusal(text)) else {
            Issue.record("accepted")
            return
        }
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        #expect(throws: TokenizerError.self) { try Tokenizer(json: [0x7B, 0xFF, 0x7D], name: "tokenizer.json") }
        #expect(throws: TokenizerError.self) { try Tokenizer(json: [0x22, 0xED, 0xA0, 0x80, 0x22], name: "x") }
    }

    @Test func `every prefix of a real file is refused`() throws {
        let json = try TokenizerFixture.baseJSON("byte-level")
        for count in stride(from: 0, to: json.count - 2, by: 97) {
            #expect(throws: TokenizerError.self) { try Tokenizer(json: Array(json[..<count]), name: "cut") }
        }
    }

    /// Whatever one damaged byte makes of the file, reading it ends with a tokenizer or an error, and encoding too.
    @Test(arguments: ["byte-level", "sentence-piece"])
    func `a damaged byte never stops the program`(_ name: String) throws {
        let json = try TokenizerFixture.baseJSON(name)
        var refused = 0
        for (round, position) in stride(from: 0, to: json.count, by: 61).enumerated() {
            var damaged = json
            damaged[position] = [0x00, 0x22, 0x5B, 0x30, 0x39, 0x7D, 0xC3, 0x61][round % 8]
            do throws(TokenizerError) {
                let tokenizer = try Tokenizer(json: damaged, name: "damaged")
                _ = tokenizer.decode(
                    tokenizer.encode("  Größe <word> 12\n\n\nab é \u{1F44D} <right> x", addSpecialTokens: true))
            } catch {
                refused += 1
            }
        }
        #expect(refused > 0)
    }
}
