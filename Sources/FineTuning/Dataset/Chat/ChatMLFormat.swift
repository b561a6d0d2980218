/// ChatML, as Qwen and SmolLM write conversations.
struct ChatMLFormat: ChatFormat {
    /// Written where a conversation brings no system message of its own.
    var defaultSystem: String?

    func render(_ messages: [ChatMessage], _ specials: ChatSpecials, prompting: Bool) -> RenderedChat {
        var chat = RenderedChat()
        if let defaultSystem, messages.first?.role != .system {
            chat.append("<|im_start|>system\n\(defaultSystem)<|im_end|>\n")
        }
        for message in messages {
            chat.append("<|im_start|>\(message.role.rawValue)\n")
            let turn = message.content + "<|im_end|>"
            if message.role == .assistant { chat.append(target: turn) } else { chat.append(turn) }
            chat.append("\n")
        }
        if prompting { chat.append("<|im_start|>assistant\n") }
        return chat
    }
}
