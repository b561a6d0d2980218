/// The built-in ways to write a conversation as text.
public enum ChatTemplateName: String, Hashable, Sendable, CaseIterable {
    case chatml
    case llama3 = "llama-3"
    case gemma, zephyr, alpaca, plain
}
