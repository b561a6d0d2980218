public import LanguageModel
internal import ModelFiles
public import Recipe

/// A base model with its tokenizer, as every part that trains, evaluates or generates needs them together.
///
/// Like its model, it belongs to one thread at a time.
public final class PretrainedModel {
    public let path: String
    public let configuration: ModelConfiguration
    public let tokenizer: Tokenizer
    public let model: any CausalLanguageModel
    /// How it computes.
    public let options: ModelOptions

    /// - Parameters:
    ///   - path: A Hugging Face directory.
    ///   - cache: Keeps bfloat16 copies of weights of other types; `nil` converts them in memory.
    public init(path: String, options: ModelOptions = ModelOptions(), cache: WeightCache? = nil) throws {
        let directory = try ModelDirectory(path)
        self.path = path
        configuration = directory.configuration
        tokenizer = try Tokenizer(directory: path)
        let largest = max(tokenizer.largestID, configuration.beginToken ?? -1, configuration.endToken ?? -1)
        guard largest < configuration.vocabularySize else {
            throw PretrainedModelError.tokenOutsideVocabulary(
                path: path, id: largest, vocabularySize: configuration.vocabularySize)
        }
        model = try directory.loadModel(options, cache: cache)
        self.options = options
    }

    /// Reads a PEFT directory and binds it to this model's layers.
    public func adapter(at directory: String) throws -> LowRankAdapter {
        let stored = try AdapterDirectory.read(directory)
        return try LowRankAdapter(
            binding: stored.layout, values: stored.values, configuration: stored.configuration,
            to: model.linearLayers)
    }

    /// How this model writes conversations.
    ///
    /// - Parameter name: A built-in template; `nil` recognises the directory's own.
    public func chatTemplate(_ name: ChatTemplateName? = nil) -> Result<ChatTemplate, ChatTemplateError> {
        let evidence: ChatTemplateDetection.Evidence
        do {
            evidence = try ChatTemplateDetection.Evidence(
                directory: path, tokenizer: tokenizer, begin: configuration.beginToken, end: configuration.endToken)
        } catch {
            return .failure(.unreadable(error))
        }
        if let name { return .success(ChatTemplate(name, specials: evidence.specials)) }
        guard let template = ChatTemplateDetection.template(evidence) else {
            return .failure(.unrecognised(directory: path))
        }
        return .success(template)
    }

    /// Turns rows into this model's tokens.
    public func rowEncoder(chatTemplate name: ChatTemplateName? = nil) -> RowEncoder {
        RowEncoder(
            encode: { [tokenizer] in tokenizer.encode($0) }, bos: configuration.beginToken,
            eos: configuration.endToken, template: chatTemplate(name))
    }

    /// Packs rows the way every loss of the project is measured: per (worker, split), blocks of equal length.
    ///
    /// - Parameters:
    ///   - split: Of one split, or (`nil`) of both.
    ///   - length: Unit: tokens.
    ///   - chatTemplate: `nil` takes the model's own.
    public func blocks(
        of source: DataSource, split: DataRow.Split? = nil, length: Int, chatTemplate: ChatTemplateName? = nil
    ) throws(DataError) -> GroupedBlocks {
        try GroupedBlocks(source, split: split, encoder: rowEncoder(chatTemplate: chatTemplate), length: length)
    }

    /// Continues a prompt, which begins with the model's begin token as training texts do.
    ///
    /// - Parameters:
    ///   - maxTokens: The most tokens to add; generation also ends at the end token.
    ///   - stops: Strings before the first of which the continuation ends; in the prompt they do not count.
    ///   - seed: Of the draws.
    ///   - onText: Sees the text piece by piece as soon as it is certain, the prompt first.
    /// - Returns: Prompt and continuation: all pieces together.
    @discardableResult
    public func continuation(
        of prompt: String, adapter: LowRankAdapter?, maxTokens: Int, stops: [String] = [], sampling: Sampling,
        seed: UInt64, onText: (String) -> Void = { _ in }
    ) throws(GenerationError) -> String {
        let tokens = [configuration.beginToken].compactMap { $0 } + tokenizer.encode(prompt)
        guard !tokens.isEmpty else { throw .emptyPrompt }
        guard tokens.count < configuration.maximumLength else {
            throw .promptTooLong(tokens: tokens.count, maximum: configuration.maximumLength)
        }
        var text = ""
        func give(_ piece: String) {
            guard !piece.isEmpty else { return }
            text += piece
            onText(piece)
        }
        give(tokenizer.decode(tokens))
        var continuation = Continuation(
            of: tokens, tokenizer: tokenizer,
            Continuation.Settings(
                maxTokens: maxTokens, stops: stops, endTokens: Set([configuration.endToken].compactMap { $0 }),
                sampling: sampling, seed: seed))
        var isEnded = false
        while !isEnded {
            let step = continuation.advance(model, adapter: adapter)
            give(step.text)
            isEnded = step.ending != nil
        }
        return text
    }
}

/// A directory whose files do not belong together.
public enum PretrainedModelError: Error, Hashable, Sendable, CustomStringConvertible {
    case tokenOutsideVocabulary(path: String, id: Int32, vocabularySize: Int)

    public var description: String {
        switch self {
        case .tokenOutsideVocabulary(let path, let id, let size):
            "\(path): the tokenizer or config.json uses token id \(id), but the model has \(size) tokens (vocab_size); "
                + "take tokenizer.json and config.json from the same model"
        }
    }
}

/// A prompt that cannot be continued.
public enum GenerationError: Error, Hashable, Sendable, CustomStringConvertible {
    case emptyPrompt
    case promptTooLong(tokens: Int, maximum: Int)

    public var description: String {
        switch self {
        case .emptyPrompt: "the prompt is empty and this model has no begin token; give some text to continue"
        case .promptTooLong(let tokens, let maximum):
            "the prompt has \(tokens) tokens and this model's positions end at \(maximum); shorten it"
        }
    }
}
