/// Why a model's conversations cannot be written.
public enum ChatTemplateError: Error, Hashable, Sendable, CustomStringConvertible {
    case unrecognised(directory: String)
    case unreadable(DataError)

    public var description: String {
        switch self {
        case .unrecognised(let directory):
            "the chat template in \(directory) is none of the built-in ones; set data.chat-template to chatml, "
                + "llama-3, gemma, zephyr, alpaca or plain"
        case .unreadable(let error): "the model's chat template cannot be read: \(error)"
        }
    }
}
