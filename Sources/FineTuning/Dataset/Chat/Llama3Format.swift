/// Llama 3 Instruct. The dated system header of 3.1 and later is not written.
struct Llama3Format: ChatFormat {
    func render(_ messages: [ChatMessage], _ specials: ChatSpecials, prompting: Bool) -> RenderedChat {
        var chat = RenderedChat()
        chat.append(specials.begin)
        for message in messages {
            chat.append(header(message.role))
            let turn = message.content.strippedLikePython + "<|eot_id|>"
            if message.role == .assistant { chat.append(target: turn) } else { chat.append(turn) }
        }
        if prompting { chat.append(header(.assistant)) }
        return chat
    }

    private func header(_ role: ChatMessage.Role) -> String {
        "<|start_header_id|>\(role.rawValue)<|end_header_id|>\n\n"
    }
}
