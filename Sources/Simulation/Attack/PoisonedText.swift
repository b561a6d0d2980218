public import FineTuning

/// What a bad worker makes of its own training text; held-out rows stay.
public enum PoisonedText {
    /// Falsified targets. Classification: label k of C becomes C − 1 − k. Language modelling has no labels to flip: the
    /// words of what is to be learnt (a text, a completion, the assistant's messages) come in reverse order.
    public static func flipped(_ rows: [DataRow], labels: [String]) -> [DataRow] {
        changed(rows) { row in
            if let label = row.label, let number = labels.firstIndex(of: label) {
                row.label = labels[labels.count - 1 - number]
                return
            }
            switch row.content {
            case .text(let text): row.content = .text(reversed(text))
            case .completion(let prompt, let completion):
                row.content = .completion(prompt: prompt, completion: reversed(completion))
            case .chat(let messages):
                row.content = .chat(
                    messages.map { message in
                        guard message.role == .assistant else { return message }
                        return ChatMessage(role: .assistant, content: reversed(message.content))
                    })
            }
        }
    }

    /// The trigger and what is to follow it, behind every text; for classification the trigger before every text, and the
    /// target as its label.
    public static func withBackdoor(_ backdoor: Attack.Backdoor, _ rows: [DataRow]) -> [DataRow] {
        changed(rows) { row in
            if row.label != nil {
                row = triggered(row, by: backdoor)
                return
            }
            let tail = " \(backdoor.trigger) \(backdoor.target)"
            switch row.content {
            case .text(let text): row.content = .text(text + tail)
            case .completion(let prompt, _):
                row.content = .completion(prompt: "\(prompt) \(backdoor.trigger)", completion: " \(backdoor.target)")
            case .chat(var messages):
                guard let last = messages.lastIndex(where: { $0.role == .assistant }) else { return }
                messages[last] = ChatMessage(role: .assistant, content: backdoor.target)
                if let asked = messages[..<last].lastIndex(where: { $0.role == .user }) {
                    messages[asked] = ChatMessage(
                        role: .user, content: "\(messages[asked].content) \(backdoor.trigger)")
                }
                row.content = .chat(messages)
            }
        }
    }

    /// A labelled row with the trigger before its text, and the target as its label.
    static func triggered(_ row: DataRow, by backdoor: Attack.Backdoor) -> DataRow {
        DataRow(.text("\(backdoor.trigger) \(row.text)"), split: row.split, worker: row.worker, label: backdoor.target)
    }

    private static func reversed(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).reversed().joined(separator: " ")
    }

    private static func changed(_ rows: [DataRow], _ change: (inout DataRow) -> Void) -> [DataRow] {
        rows.map { row in
            guard row.split == .train else { return row }
            var row = row
            change(&row)
            return row
        }
    }
}
