import FineTuning
import LanguageModel

enum TokenizerFuzzing {
    private static let texts = ["", "Hello, world  1234!", "naïve\u{0301} \u{1F600}\u{200D}\u{10FFFF}\t\n ab<s>ab"]

    /// A tokenizer that is taken works on any text, and gives only tokens that it has.
    static func read(_ bytes: [UInt8]) throws -> Bool {
        guard let tokenizer = try? Tokenizer(json: bytes, name: "f") else { return false }
        for text in texts {
            let tokens = tokenizer.encode(text, addSpecialTokens: true)
            try expect(
                tokens.allSatisfy { $0 >= 0 && $0 <= tokenizer.largestID }, "\(tokens) beyond \(tokenizer.largestID)")
            _ = tokenizer.encode(text, addingSpecialTokens: true, maximumLength: 3)
            _ = tokenizer.decode(tokens, skipSpecialTokens: false)
        }
        _ = tokenizer.decode([0, 1, 2, .max, -1, tokenizer.largestID])
        return true
    }

    /// `tokenizer_config.json` of a model, whose chat template is recognised and then used.
    static func chatReader() throws -> FuzzTarget.Reader {
        let file = try InputFile("tokenizer_config.json")
        let tokenizer = try Tokenizer(json: seeds[0], name: "f")
        let messages = [
            ChatMessage(role: .system, content: "s"), ChatMessage(role: .user, content: "u"),
            ChatMessage(role: .assistant, content: "a"),
        ]
        return { bytes in
            try file.write(bytes)
            guard
                let evidence = try? ChatTemplateDetection.Evidence(
                    directory: file.folder, tokenizer: tokenizer, begin: 0, end: nil),
                let template = ChatTemplateDetection.template(evidence)
            else { return false }
            if template.objection(to: messages) == nil { _ = template.render(messages) }
            return true
        }
    }

    static let chatSeeds = [
        #"{"bos_token":"<s>","eos_token":{"content":"</s>"},"chat_template":"<|im_start|>system\\nBe kind<|im_end|>"}"#,
        #"{"chat_template":[{"name":"default","template":"<start_of_turn><end_of_turn>"}]}"#,
        #"{"chat_template":"<|user|> <|assistant|> {{ eos_token }}"}"#, "{}",
        #"{"chat_template":"<|start_header_id|><|eot_id|>","bos_token":null}"#,
        #"{"chat_template":"\u0023## Instruction: ### Response:"}"#,
    ].map { Array($0.utf8) }

    private static let added =
        #""added_tokens":[{"id":0,"content":"<s>","single_word":false,"lstrip":false,"rstrip":true,"normalized":false,"#
        + #""special":true}]"#
    private static let template =
        #"{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","#
        + #""type_id":0}}],"pair":[],"special_tokens":{"<s>":{"id":"<s>","ids":[0],"tokens":["<s>"]}}}"#
    private static let metaspace =
        #"{"type":"Metaspace","replacement":"\u2581","prepend_scheme":"always","split":true}"#

    /// One of each kind: byte-level BPE, BPE with byte fallback, one cut by patterns, Unigram and WordPiece.
    static let seeds = [
        #"{"version":"1.0","truncation":null,"padding":null,\#(added),"normalizer":{"type":"NFC"},"pre_tokenizer":{"#
            + #""type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},"post_processor":"#
            + #"\#(template),"decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"#
            + #""use_regex":true},"model":{"type":"BPE","dropout":null,"unk_token":null,"#
            + #""continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"ignore_merges":false,"#
            + #""vocab":{"<s>":0,"H":1,"e":2,"l":3,"o":4,"ll":5,"He":6},"merges":["l l","H e"]}}"#,
        #"{"version":"1.0",\#(added),"normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","#
            + #""prepend":"\u2581"},{"type":"Replace","pattern":{"String":" "},"content":"\u2581"}]},"#
            + #""pre_tokenizer":null,"decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"\u2581"},"content":" "},"#
            + #"{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},"#
            + #""model":{"type":"BPE","unk_token":"<unk>","fuse_unk":true,"byte_fallback":true,"#
            + #""vocab":{"<s>":0,"<unk>":1,"<0x41>":2,"\u2581":3,"a":4,"b":5,"ab":6},"merges":[["a","b"]]}}"#,
        #"{"version":"1.0",\#(added),"normalizer":{"type":"Sequence","normalizers":[{"type":"Lowercase"},"#
            + #"{"type":"StripAccents"},{"type":"NFKC"}]},"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"#
            + #""type":"Split","pattern":{"String":" "},"behavior":"Isolated","invert":false},{"type":"Digits","#
            + #""individual_digits":true},{"type":"Punctuation","behavior":"Isolated"}]},"#
            + #""model":{"type":"BPE","vocab":{"<s>":0,"a":1},"merges":[]}}"#,
        #"{"version":"1.0",\#(added),"truncation":{"direction":"Right","max_length":5,"strategy":"LongestFirst","#
            + #""stride":0},"normalizer":null,"pre_tokenizer":\#(metaspace),"decoder":\#(metaspace),"model":{"#
            + #""type":"Unigram","unk_id":1,"byte_fallback":false,"#
            + #""vocab":[["<s>",0.0],["<unk>",-1.0],["\u2581",-2.0],["a",-3.5],["ab",-4.0]]}}"#,
        #"{"version":"1.0",\#(added),"normalizer":{"type":"BertNormalizer","clean_text":true,"#
            + #""handle_chinese_chars":true,"strip_accents":null,"lowercase":true},"pre_tokenizer":{"#
            + #""type":"BertPreTokenizer"},"post_processor":\#(template),"decoder":{"type":"WordPiece","prefix":"\u0023#","#
            + #""cleanup":true},"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"\u0023#","#
            + #""max_input_chars_per_word":100,"vocab":{"<s>":0,"[UNK]":1,"hello":2,"\u0023#a":3,"world":4}}}"#,
    ].map { Array($0.utf8) }
}
