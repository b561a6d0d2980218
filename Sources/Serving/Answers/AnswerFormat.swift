internal import LanguageModel
internal import ModelFiles

/// Writes one answer as OpenAI's API does, in one piece or as a stream's pieces.
package struct AnswerFormat: Sendable {
    package let kind: AnswerKind
    /// Of this answer alone.
    package let id: String
    /// As the client named it.
    package let model: String
    /// Unit: seconds since 1970.
    package let created: Int

    package init(kind: AnswerKind, id: String, model: String, created: Int) {
        self.kind = kind
        self.id = id
        self.model = model
        self.created = created
    }

    /// Tokens of an answer's prompt and text.
    package struct Usage: Hashable, Sendable {
        package var promptTokens: Int
        package var completionTokens: Int

        package init(promptTokens: Int, completionTokens: Int) {
            self.promptTokens = promptTokens
            self.completionTokens = completionTokens
        }

        fileprivate var json: JSONValue {
            .object([
                "prompt_tokens": .integer(promptTokens), "completion_tokens": .integer(completionTokens),
                "total_tokens": .integer(promptTokens + completionTokens),
            ])
        }
    }

    /// The whole answer.
    func whole(
        _ text: String, tokens: [NamedToken]?, ending: Continuation.Ending, usage: Usage, note: RouteNote?
    ) -> JSONValue {
        var choice = choice(ending: ending, tokens: tokens)
        if kind == .chat {
            choice["message"] = .object([
                "role": .string("assistant"), "content": .string(text), "refusal": .null,
            ])
        } else {
            choice["text"] = .string(text)
        }
        var members = answer(kind == .chat ? "chat.completion" : "text_completion", [.object(choice)], note)
        members["usage"] = usage.json
        return .object(members)
    }

    /// A stream's first piece: who speaks, and whence.
    func opening(_ note: RouteNote?) -> JSONValue? {
        switch (kind, note) {
        case (.chat, _):
            var choice = choice(ending: nil, tokens: nil)
            choice["delta"] = .object(["role": .string("assistant"), "content": .string("")])
            return piece([.object(choice)], note)
        case (.text, nil): return nil
        case (.text, let note?): return piece([], note)
        }
    }

    /// Some more text.
    func piece(_ text: String, tokens: [NamedToken]?) -> JSONValue {
        var choice = choice(ending: nil, tokens: tokens)
        if kind == .chat {
            choice["delta"] = .object(["content": .string(text)])
        } else {
            choice["text"] = .string(text)
        }
        return piece([.object(choice)], nil)
    }

    /// A stream's last piece with a choice in it.
    func closing(_ ending: Continuation.Ending) -> JSONValue {
        var choice = choice(ending: ending, tokens: nil)
        if kind == .chat { choice["delta"] = .object([:]) } else { choice["text"] = .string("") }
        return piece([.object(choice)], nil)
    }

    /// What follows the text where the client asked for token counts.
    func counts(_ usage: Usage) -> JSONValue {
        guard case .object(var members) = piece([], nil) else { return .null }
        members["usage"] = usage.json
        return .object(members)
    }

    private func choice(ending: Continuation.Ending?, tokens: [NamedToken]?) -> [String: JSONValue] {
        [
            "index": .integer(0), "finish_reason": ending.map { .string(Self.reason($0)) } ?? .null,
            "logprobs": tokens.map { kind == .chat ? NamedToken.chat($0) : NamedToken.text($0) } ?? .null,
        ]
    }

    private func piece(_ choices: [JSONValue], _ note: RouteNote?) -> JSONValue {
        .object(answer(kind == .chat ? "chat.completion.chunk" : "text_completion", choices, note))
    }

    private func answer(_ object: String, _ choices: [JSONValue], _ note: RouteNote?) -> [String: JSONValue] {
        var members: [String: JSONValue] = [
            "id": .string(id), "object": .string(object), "created": .integer(created), "model": .string(model),
            "choices": .array(choices),
        ]
        if let note { members[RouteNote.member] = note.json }
        return members
    }

    private static func reason(_ ending: Continuation.Ending) -> String {
        switch ending {
        case .endToken, .stopString: "stop"
        case .maxTokens, .positions: "length"
        }
    }
}
