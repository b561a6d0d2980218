internal import FineTuning
internal import ModelFiles

/// What an answer is to follow.
extension RequestReader {
    /// `messages` of a chat, each with a string or text parts as its content; an assistant's may be `null` or left out.
    func messages() throws(RequestProblem) -> [ChatMessage] {
        guard let value = self["messages"] else {
            throw .value("messages", "give at least one message", code: "missing_required_parameter")
        }
        guard case .array(let list) = value else { throw Self.wrongKind("messages", "a list", value) }
        guard !list.isEmpty else { throw .value("messages", "give at least one message") }
        var messages: [ChatMessage] = []
        for (index, value) in list.enumerated() { messages.append(try Self.message(value, "messages[\(index)]")) }
        return messages
    }

    private static func message(_ value: JSONValue, _ place: String) throws(RequestProblem) -> ChatMessage {
        guard case .object(let members) = value else { throw wrongKind(place, "an object", value) }
        guard case .string(let name)? = members["role"] else {
            throw .value(place + ".role", "it must be system, user or assistant", code: "missing_required_parameter")
        }
        // What newer clients call instructions.
        guard let role = name == "developer" ? .system : ChatMessage.Role(rawValue: name) else {
            throw .value(place + ".role", "it must be system, user or assistant, not '\(name)'")
        }
        guard let value = members["content"], value != .null else {
            // A client that gives an answer back sends none for one that was empty or called tools.
            if role == .assistant { return ChatMessage(role: role, content: "") }
            throw members["content"] == nil
                ? .value(place + ".content", "only an assistant's may be left out", code: "missing_required_parameter")
                : .value(place + ".content", "only an assistant's may be null; give a string", code: "invalid_type")
        }
        return ChatMessage(role: role, content: try content(value, place + ".content"))
    }

    private static func content(_ value: JSONValue, _ place: String) throws(RequestProblem) -> String {
        switch value {
        case .string(let text): return text
        case .array(let parts):
            var text = ""
            for (index, part) in parts.enumerated() { text += try partText(part, "\(place)[\(index)]") }
            return text
        default: throw wrongKind(place, "a string or a list of text parts", value)
        }
    }

    private static func partText(_ part: JSONValue, _ place: String) throws(RequestProblem) -> String {
        guard case .object(let members) = part else { throw wrongKind(place, "an object", part) }
        guard members["type"] == .string("text") else {
            throw .value(place + ".type", "this model reads text alone; give parts of type text")
        }
        guard case .string(let text)? = members["text"] else {
            throw .value(place + ".text", "it must be a string", code: "missing_required_parameter")
        }
        return text
    }

    /// `prompt`: a text, a list of one, or token ids.
    func textPrompt() throws(RequestProblem) -> AnswerRequest.Prompt {
        switch self["prompt"] {
        case nil: throw .value("prompt", "give the text to continue", code: "missing_required_parameter")
        case .string(let text)?: return .text(text)
        case .array(let list)?:
            if list.count == 1, case .string(let text) = list[0] { return .text(text) }
            var tokens: [Int32] = []
            for value in list {
                guard case .integer(let id) = value, let token = Int32(exactly: id) else {
                    throw .value("prompt", "a list must hold one text, or the token ids of one")
                }
                tokens.append(token)
            }
            guard !tokens.isEmpty else { throw .value("prompt", "give the text to continue") }
            return .tokens(tokens)
        case let value?: throw Self.wrongKind("prompt", "a string or a list", value)
        }
    }
}
