/// Zephyr, as TinyLlama-Chat writes conversations: roles as plain text, each turn ended by the end token.
struct ZephyrFormat: ChatFormat {
    func render(_ messages: [ChatMessage], _ specials: ChatSpecials, prompting: Bool) -> RenderedChat {
        var chat = RenderedChat()
        for message in messages {
            chat.append("<|\(message.role.rawValue)|>\n")
            let turn = message.content + specials.end
            if message.role == .assistant { chat.append(target: turn) } else { chat.append(turn) }
            chat.append("\n")
        }
        if prompting { chat.append("<|assistant|>\n") }
        return chat
    }
}
