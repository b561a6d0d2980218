import FineTuning
import FixtureFiles
import Foundation
import LanguageModel
import ModelFiles
import Recipe
import Testing

/// What `Fixtures/chat/make.py` had transformers write.
struct ChatFixture: Decodable {
    struct Message: Decodable {
        let role: String
        let content: String
    }

    struct Case: Decodable {
        let conversation: String
        let text: String?
        let prompt: String?
        let tokens: [Int32]?
        /// "1" for each token that transformers counts to the assistant's.
        let mask: String?
        let refused: String?
    }

    struct Template: Decodable, Sendable, CustomTestStringConvertible {
        let title: String
        let source: String
        let name: String
        let byName: Bool
        let cases: [Case]

        var testDescription: String { title }
    }

    let conversations: [String: [Message]]
    let templates: [Template]

    static func load() throws -> ChatFixture {
        let path = FixtureFiles.path("chat/rendered.json")
        return try JSONDecoder().decode(ChatFixture.self, from: try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    func messages(_ conversation: String) throws -> [ChatMessage] {
        try #require(conversations[conversation]).map {
            ChatMessage(role: try #require(ChatMessage.Role(rawValue: $0.role)), content: $0.content)
        }
    }

    static let specials = ChatSpecials(begin: "<s>", end: "</s>")

    static func tokenizer() throws -> Tokenizer { try Tokenizer(directory: FixtureFiles.path("chat")) }
}

extension ChatFixture.Case: Sendable {}

@Suite("Chat templates")
struct ChatTemplateTests {
    private let fixture: ChatFixture
    private let tokenizer: Tokenizer

    init() throws {
        fixture = try ChatFixture.load()
        tokenizer = try ChatFixture.tokenizer()
    }

    private func check(_ template: ChatTemplate, against given: ChatFixture.Template) throws {
        #expect(template.name.rawValue == given.name)
        let encoder = RowEncoder(
            encode: { [tokenizer] in tokenizer.encode($0) }, bos: 0, eos: 1, template: .success(template))
        for expected in given.cases {
            let messages = try fixture.messages(expected.conversation)
            let title = Comment(rawValue: "\(given.title): \(expected.conversation)")
            guard let text = expected.text, let tokens = expected.tokens, let mask = expected.mask else {
                #expect(template.objection(to: messages) != nil, title)
                continue
            }
            #expect(template.objection(to: messages) == nil, title)
            #expect(template.render(messages).text.utf8.elementsEqual(text.utf8), title)
            let prompt = try #require(expected.prompt)
            // Zephyr's generation prompt ends without the line break that its turns have.
            #expect(template.render(messages, prompting: true).text.utf8.elementsEqual(prompt.utf8), title)
            let row = DataRow(.chat(messages))
            let blocks = try encoder.labelled(row)
            #expect(blocks.tokens == tokens, title)
            let labels = zip(tokens, mask).map { $1 == "1" ? $0 : -100 }
            #expect(blocks.labels == labels, title)
        }
    }

    @Test("text, tokens and what counts of them are those of transformers, by name")
    func named() throws {
        var names: Set<ChatTemplateName> = []
        for given in fixture.templates where given.byName {
            let name = try #require(ChatTemplateName(rawValue: given.name))
            try check(ChatTemplate(name, specials: ChatFixture.specials), against: given)
            names.insert(name)
        }
        #expect(names == Set(ChatTemplateName.allCases))
    }

    @Test("a model directory's own template is recognised, its variant too")
    func recognised() throws {
        for given in fixture.templates where given.title != "plain" {
            for form in ["setting", "list", "file"] {
                let folder = ScratchFolder()
                var settings: [String: JSONValue] = [
                    "bos_token": .string("<s>"), "eos_token": .object(["content": .string("</s>")]),
                ]
                let named: [JSONValue] = [
                    .object(["name": .string("tools"), "template": .string("{{ x }}")]),
                    .object(["name": .string("default"), "template": .string(given.source)]),
                ]
                switch form {
                case "setting": settings["chat_template"] = .string(given.source)
                case "list": settings["chat_template"] = .array(named)
                default: try AtomicFile.write(Array(given.source.utf8), to: folder.file("chat_template.jinja"))
                }
                try AtomicFile.write(JSONText.encode(.object(settings)), to: folder.file("tokenizer_config.json"))
                let evidence = try ChatTemplateDetection.Evidence(
                    directory: folder.path, tokenizer: tokenizer, begin: nil, end: nil)
                try check(try #require(ChatTemplateDetection.template(evidence)), against: given)
            }
        }
    }

    @Test("without a template, the tokenizer's special tokens decide; without those, it is plain")
    func withoutTemplate() {
        let cases: [([String], ChatTemplateName)] = [
            (["<|im_start|>", "<|im_end|>"], .chatml), (["<|im_start|>"], .plain), ([], .plain),
            (["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"], .llama3),
            (["<start_of_turn>", "<end_of_turn>"], .gemma),
        ]
        for (tokens, name) in cases {
            let evidence = ChatTemplateDetection.Evidence(
                source: nil, specials: ChatFixture.specials, hasToken: tokens.contains)
            #expect(ChatTemplateDetection.template(evidence)?.name == name)
        }
    }

    @Test("another model's template is refused with the row's place and the remedy")
    func unknown() throws {
        let source = "{% for m in messages %}<|user|>{{ m }}<|end|><|assistant|>{{ eos_token }}{% endfor %}"
        let evidence = ChatTemplateDetection.Evidence(
            source: source, specials: ChatFixture.specials, hasToken: { _ in true })
        #expect(ChatTemplateDetection.template(evidence) == nil)
        let encoder = RowEncoder(
            encode: { _ in [] }, bos: nil, eos: nil, template: .failure(.unrecognised(directory: "model")))
        let row = DataRow(.chat([ChatMessage(role: .assistant, content: "x")]))
        #expect {
            try GroupedBlocks(.rows([DataRow(.text("a")), row]), encoder: encoder, length: 2)
        } throws: { error in
            "\(error)" == "row 2 of the data: the chat template in model is none of the built-in ones; "
                + "set data.chat-template to chatml, llama-3, gemma, zephyr, alpaca or plain"
        }
    }
}
