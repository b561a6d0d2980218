package import FineTuning
package import LanguageModel
package import Recipe

/// Turns what a client sent into tokens as the model's training texts have them, and knows what ends an answer.
package struct PromptEncoder: Sendable {
    package struct Encoded: Sendable {
        package var tokens: [Int32]
        package var endTokens: Set<Int32>
        package var stops: [String]
    }

    package let tokenizer: Tokenizer
    /// `nil` for a model whose own template is unknown: it answers no chats.
    package let template: Result<ChatTemplate, ChatTemplateError>
    /// The most tokens of prompt and answer together.
    package let contextLength: Int
    private let beginToken: Int32?
    private let endToken: Int32?
    private let vocabularySize: Int

    /// - Parameters:
    ///   - chatTemplate: `nil` takes the model's own.
    ///   - contextMax: Lowers what the model's positions allow. Unit: tokens.
    package init(_ base: PretrainedModel, chatTemplate: ChatTemplateName? = nil, contextMax: Int? = nil) {
        tokenizer = base.tokenizer
        template = base.chatTemplate(chatTemplate)
        contextLength = min(base.configuration.maximumLength, contextMax ?? Int.max)
        beginToken = base.configuration.beginToken
        endToken = base.configuration.endToken
        vocabularySize = base.configuration.vocabularySize
    }

    /// - Throws: ``RequestProblem`` for a prompt that is empty, too long, or that the chat template cannot write.
    package func encode(_ request: AnswerRequest) throws(RequestProblem) -> Encoded {
        let field = request.kind == .chat ? "messages" : "prompt"
        var encoded = Encoded(tokens: [], endTokens: Set([endToken].compactMap { $0 }), stops: request.stops)
        switch request.prompt {
        case .text(let text): encoded.tokens = [beginToken].compactMap { $0 } + tokenizer.encode(text)
        case .tokens(let tokens):
            if let outside = tokens.first(where: { $0 < 0 || $0 >= vocabularySize }) {
                throw .value(field, "token \(outside) is none of this model's \(vocabularySize)")
            }
            encoded.tokens = tokens
        case .messages(let messages): try write(messages, into: &encoded)
        }
        guard !encoded.tokens.isEmpty else { throw .value(field, "give some text to continue") }
        let wanted = request.maxTokens ?? 1
        guard encoded.tokens.count + wanted <= contextLength else {
            throw .value(
                field,
                "the prompt has \(encoded.tokens.count) tokens and the answer may have \(wanted); this model's context "
                    + "holds \(contextLength) together: shorten the prompt or ask for less",
                code: "context_length_exceeded")
        }
        return encoded
    }

    private func write(_ messages: [ChatMessage], into encoded: inout Encoded) throws(RequestProblem) {
        let template: ChatTemplate
        do throws(ChatTemplateError) {
            template = try self.template.get()
        } catch {
            throw .value("messages", "\(error)", code: "no_chat_template")
        }
        if let objection = template.objection(to: messages) { throw .value("messages", objection) }
        encoded.tokens = tokenizer.encode(template.render(messages, prompting: true).text)
        for mark in Self.turnEnds(template.name) {
            // A special token is no part of the decoded text, so only its id tells it.
            if let token = tokenizer.id(of: mark) {
                encoded.endTokens.insert(token)
            } else {
                encoded.stops.append(mark)
            }
        }
    }

    /// What the built-in templates write behind an assistant's turn, where it is not the end token.
    private static func turnEnds(_ name: ChatTemplateName) -> [String] {
        switch name {
        case .chatml: ["<|im_end|>"]
        case .llama3: ["<|eot_id|>"]
        case .gemma: ["<end_of_turn>"]
        case .alpaca: ["### Instruction:"]
        case .plain: ["\nUser:"]
        case .zephyr: []
        }
    }
}
