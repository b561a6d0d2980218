/// Alpaca's instruction and response headings (Taori et al. 2023), for conversations of any length.
struct AlpacaFormat: ChatFormat {
    static let defaultSystem =
        "Below is an instruction that describes a task. Write a response that appropriately completes the request."

    func objection(to messages: [ChatMessage]) -> String? {
        guard let place = messages.dropFirst().firstIndex(where: { $0.role == .system }) else { return nil }
        return "message \(place + 1) has the role \"system\", which the alpaca chat template takes as the first "
            + "message only; move it there or set data.chat-template to chatml"
    }

    func render(_ messages: [ChatMessage], _ specials: ChatSpecials, prompting: Bool) -> RenderedChat {
        var chat = RenderedChat()
        chat.append(specials.begin)
        var turns = messages[...]
        let system = turns.first?.role == .system ? turns.removeFirst().content : Self.defaultSystem
        chat.append(system + "\n\n")
        for message in turns {
            if message.role == .assistant {
                chat.append("### Response:\n")
                chat.append(target: message.content + specials.end)
            } else {
                chat.append("### Instruction:\n" + message.content)
            }
            chat.append("\n\n")
        }
        if prompting { chat.append("### Response:\n") }
        return chat
    }
}
