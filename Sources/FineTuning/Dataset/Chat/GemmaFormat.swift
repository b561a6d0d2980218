/// Gemma: turns of a user and the model, which alternate.
struct GemmaFormat: ChatFormat {
    /// Whether a system message opens the first user turn (Gemma 3); earlier models refuse one.
    var foldsSystem = true

    func objection(to messages: [ChatMessage]) -> String? {
        var turns = messages[...]
        if turns.first?.role == .system {
            guard foldsSystem else {
                return "this model's gemma chat template refuses system messages; put the instructions into the first "
                    + "user message"
            }
            turns.removeFirst()
        }
        for (index, message) in turns.enumerated()
        where message.role != (index.isMultiple(of: 2) ? .user : .assistant) {
            return "the gemma chat template takes user and assistant in turn, the user first; message "
                + "\(messages.count - turns.count + index + 1) has the role \"\(message.role.rawValue)\": "
                + "merge neighbours of one role or set data.chat-template to chatml"
        }
        return nil
    }

    func render(_ messages: [ChatMessage], _ specials: ChatSpecials, prompting: Bool) -> RenderedChat {
        var chat = RenderedChat()
        chat.append(specials.begin)
        var turns = messages[...]
        var prefix = ""
        if turns.first?.role == .system { prefix = turns.removeFirst().content + "\n\n" }
        for message in turns {
            let turn = message.content.strippedLikePython + "<end_of_turn>"
            if message.role == .assistant {
                chat.append("<start_of_turn>model\n")
                chat.append(target: turn)
            } else {
                chat.append("<start_of_turn>user\n\(prefix)")
                chat.append(turn)
            }
            chat.append("\n")
            prefix = ""
        }
        if prompting { chat.append("<start_of_turn>model\n") }
        return chat
    }
}
