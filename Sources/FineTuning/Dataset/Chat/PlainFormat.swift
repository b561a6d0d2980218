/// Names and colons, for base models that know no template.
struct PlainFormat: ChatFormat {
    func render(_ messages: [ChatMessage], _ specials: ChatSpecials, prompting: Bool) -> RenderedChat {
        var chat = RenderedChat()
        chat.append(specials.begin)
        for message in messages {
            switch message.role {
            case .system: chat.append(message.content + "\n\n")
            case .user: chat.append("User: \(message.content)\n")
            case .assistant:
                chat.append("Assistant: ")
                chat.append(target: message.content + specials.end)
                chat.append("\n")
            }
        }
        if prompting { chat.append("Assistant:") }
        return chat
    }
}
