public import Recipe

/// Turns a conversation into the text that a model is trained on, as `apply_chat_template` of `transformers` does.
public struct ChatTemplate: Sendable {
    public let name: ChatTemplateName
    /// Why it was chosen, for the log.
    public let reason: String
    private let format: any ChatFormat
    private let specials: ChatSpecials

    init(_ name: ChatTemplateName, _ format: any ChatFormat, _ specials: ChatSpecials, reason: String) {
        self.name = name
        self.format = format
        self.specials = specials
        self.reason = reason
    }

    /// One of the built-in templates in its usual form.
    public init(_ name: ChatTemplateName, specials: ChatSpecials, reason: String = "by name") {
        let format: any ChatFormat =
            switch name {
            case .chatml: ChatMLFormat()
            case .llama3: Llama3Format()
            case .gemma: GemmaFormat()
            case .zephyr: ZephyrFormat()
            case .alpaca: AlpacaFormat()
            case .plain: PlainFormat()
            }
        self.init(name, format, specials, reason: reason)
    }

    /// Why these messages cannot be written, with the remedy; `nil` if they can.
    public func objection(to messages: [ChatMessage]) -> String? {
        messages.isEmpty ? "there are no messages" : format.objection(to: messages)
    }

    /// - Parameters:
    ///   - messages: Ones that ``objection(to:)`` has nothing against.
    ///   - prompting: Whether to add the beginning of the answer that is to be generated (`add_generation_prompt`).
    public func render(_ messages: [ChatMessage], prompting: Bool = false) -> RenderedChat {
        format.render(messages, specials, prompting: prompting)
    }
}
