internal import ModelFiles

/// The fields of one row, whatever file they come from.
struct RowFields {
    struct Invalid: Error { let reason: String }

    private let members: [String: JSONValue]

    init(_ members: [String: JSONValue]) {
        self.members = members
    }

    func row() throws(Invalid) -> DataRow {
        let worker = try string("worker")
        if worker == "" { throw Invalid(reason: "worker is empty") }
        return DataRow(try content(), split: try split(), worker: worker, label: try label())
    }

    private func content() throws(Invalid) -> DataRow.Content {
        let text = try string("text")
        let prompt = try string("prompt")
        let completion = try string("completion")
        switch (text, prompt, completion, try messages()) {
        case (let text?, nil, nil, nil): return .text(text)
        case (nil, let prompt?, let completion?, nil): return .completion(prompt: prompt, completion: completion)
        case (nil, nil, nil, let messages?): return .chat(messages)
        default:
            let found = ["text", "prompt", "completion", "messages"].filter { members[$0] ?? .null != .null }
            throw Invalid(
                reason: "a row is \(DataError.supportedForms); this one has "
                    + (found.isEmpty ? "none of those fields" : "only " + found.joined(separator: " and ")))
        }
    }

    private func messages() throws(Invalid) -> [ChatMessage]? {
        switch members["messages"] {
        case nil, .null?: return nil
        case .array(let values)?:
            var messages: [ChatMessage] = []
            for (index, value) in values.enumerated() { messages.append(try message(value, number: index + 1)) }
            guard !messages.isEmpty else {
                throw Invalid(reason: "messages is empty; give a user's and an assistant's turn, or remove the row")
            }
            guard messages.contains(where: { $0.role == .assistant }) else {
                throw Invalid(
                    reason: "no message has the role \"assistant\", so there is nothing to learn; add the answer, or "
                        + "remove the row")
            }
            return messages
        case let other?: throw Invalid(reason: "messages must be a list, it is \(other.kind)")
        }
    }

    private func message(_ value: JSONValue, number: Int) throws(Invalid) -> ChatMessage {
        guard case .object(let fields) = value else {
            throw Invalid(reason: "message \(number) must be an object with role and content, it is \(value.kind)")
        }
        guard case .string(let name)? = fields["role"], let role = ChatMessage.Role(rawValue: name) else {
            var found = "it has no role"
            if case .string(let name)? = fields["role"] { found = "its role is \"\(name.prefix(40))\"" }
            throw Invalid(
                reason: "message \(number) must have the role \"system\", \"user\" or \"assistant\"; \(found)")
        }
        guard case .string(let content)? = fields["content"] else {
            let found = fields["content"]?.kind ?? "missing"
            throw Invalid(reason: "the content of message \(number) must be a string, it is \(found)")
        }
        return ChatMessage(role: role, content: content)
    }

    private func split() throws(Invalid) -> DataRow.Split {
        guard let name = try string("split") else { return .train }
        guard let split = DataRow.Split(rawValue: name) else {
            throw Invalid(reason: "split must be \"train\" or \"test\", it is \"\(name.prefix(40))\"")
        }
        return split
    }

    /// A string; many data sets number their classes, so a whole number is taken as its digits.
    private func label() throws(Invalid) -> String? {
        if case .integer(let number)? = members["label"] { return String(number) }
        return try string("label")
    }

    /// `nil` if the field is absent or null.
    private func string(_ field: String) throws(Invalid) -> String? {
        switch members[field] {
        case nil, .null?: return nil
        case .string(let text)?: return text
        case let other?: throw Invalid(reason: "\(field) must be a string, it is \(other.kind)")
        }
    }
}
