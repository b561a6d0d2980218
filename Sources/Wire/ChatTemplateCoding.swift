internal import CWire
internal import Recipe

/// A chat template's number on the wire; none means that the base model's own template counts.
enum ChatTemplateCoding {
    private static let numbers: [(name: ChatTemplateName?, number: Shoal__V1__TrainingOptions__ChatTemplate)] = [
        (nil, SHOAL__V1__TRAINING_OPTIONS__CHAT_TEMPLATE__CHAT_TEMPLATE_UNSPECIFIED),
        (.chatml, SHOAL__V1__TRAINING_OPTIONS__CHAT_TEMPLATE__CHAT_TEMPLATE_CHATML),
        (.llama3, SHOAL__V1__TRAINING_OPTIONS__CHAT_TEMPLATE__CHAT_TEMPLATE_LLAMA3),
        (.gemma, SHOAL__V1__TRAINING_OPTIONS__CHAT_TEMPLATE__CHAT_TEMPLATE_GEMMA),
        (.zephyr, SHOAL__V1__TRAINING_OPTIONS__CHAT_TEMPLATE__CHAT_TEMPLATE_ZEPHYR),
        (.alpaca, SHOAL__V1__TRAINING_OPTIONS__CHAT_TEMPLATE__CHAT_TEMPLATE_ALPACA),
        (.plain, SHOAL__V1__TRAINING_OPTIONS__CHAT_TEMPLATE__CHAT_TEMPLATE_PLAIN),
    ]

    static func number(_ name: ChatTemplateName?) -> Shoal__V1__TrainingOptions__ChatTemplate {
        guard let entry = numbers.first(where: { $0.name == name }) else {
            preconditionFailure("the table lacks \(name?.rawValue ?? "the absent template")")
        }
        return entry.number
    }

    static func name(_ number: Shoal__V1__TrainingOptions__ChatTemplate) throws(WireError) -> ChatTemplateName? {
        guard let entry = numbers.first(where: { $0.number == number }) else {
            throw unknownValue(number.rawValue, "training.chatTemplate")
        }
        return entry.name
    }
}
