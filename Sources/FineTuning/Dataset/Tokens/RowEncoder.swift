internal import LanguageModel

/// Turns a row into tokens and says which of them are learned.
///
/// - A text: BOS + text + EOS, all of it.
/// - A prompt and its completion: BOS + both + EOS, of which completion and EOS.
/// - A chat: the template's text as it is, of which the assistant's turns with what ends them.
public struct RowEncoder {
    private let encode: (String) -> [Int32]
    private let bos: Int32?
    private let eos: Int32?
    private let template: Result<ChatTemplate, ChatTemplateError>

    /// `nil` for a model whose own template is unknown.
    public var chatTemplate: ChatTemplate? { try? template.get() }

    /// - Parameters:
    ///   - encode: A text's tokens; must add no special tokens itself, and know those that stand in the text.
    ///   - bos: Left out if `nil`.
    ///   - eos: Left out if `nil`.
    ///   - template: For chats; a failure is thrown with the first of them.
    public init(
        encode: @escaping (String) -> [Int32], bos: Int32?, eos: Int32?,
        template: Result<ChatTemplate, ChatTemplateError>
    ) {
        self.encode = encode
        self.bos = bos
        self.eos = eos
        self.template = template
    }

    /// Why a row cannot be encoded, with the remedy; `nil` if it can.
    public func objection(to row: DataRow) -> String? {
        guard case .chat(let messages) = row.content else { return nil }
        switch template {
        case .success(let template): return template.objection(to: messages)
        case .failure(let error): return "\(error)"
        }
    }

    /// How many tokens a row becomes.
    ///
    /// - Throws: ``DataError`` for a row that ``objection(to:)`` has something against.
    public func tokenCount(_ row: DataRow) throws(DataError) -> Int {
        try marked(LocatedRow(row: row, place: .row(1))).count
    }

    /// A row's tokens, and its labels as ``TokenBatch/labels``.
    ///
    /// - Throws: ``DataError`` for a row that ``objection(to:)`` has something against.
    public func labelled(_ row: DataRow) throws(DataError) -> (tokens: [Int32], labels: [Int32]) {
        let marked = try marked(LocatedRow(row: row, place: .row(1)))
        return (marked.map { $0 < 0 ? ~$0 : $0 }, marked.map { $0 < 0 ? TokenBatch.ignoredLabel : $0 })
    }

    /// A row's tokens, those that are no targets as their complements.
    package func marked(_ located: LocatedRow) throws(DataError) -> [Int32] {
        switch located.row.content {
        case .text(let text):
            var tokens = located.isStart ? [bos].compactMap { $0 } : []
            tokens += encode(text)
            if located.isEnd, let eos { tokens.append(eos) }
            return tokens
        case .completion(let prompt, let completion):
            let tokens = encode(prompt + completion)
            var boundaries = TokenBoundaries(prompt + completion, tokens, encode)
            let end = (prompt + completion).utf8.count
            let boundary = boundaries.tokens(of: prompt.utf8.count..<end).lowerBound
            let begin = bos.map { [~$0] } ?? []
            return begin + tokens[..<boundary].map { ~$0 } + tokens[boundary...] + [eos].compactMap { $0 }
        case .chat(let messages):
            return try chat(messages, at: located.place)
        }
    }

    private func chat(_ messages: [ChatMessage], at place: DataPlace) throws(DataError) -> [Int32] {
        let template: ChatTemplate
        do { template = try self.template.get() } catch { throw .malformed(place, reason: "\(error)") }
        if let objection = template.objection(to: messages) { throw .malformed(place, reason: objection) }
        let rendered = template.render(messages)
        // The whole text is encoded at once, as `apply_chat_template` does: subwords may span what the template joins.
        let tokens = encode(rendered.text)
        var marked = tokens.map { ~$0 }
        var boundaries = TokenBoundaries(rendered.text, tokens, encode)
        for target in rendered.targets {
            for index in boundaries.tokens(of: target) { marked[index] = tokens[index] }
        }
        return marked
    }
}
