public import LanguageModel
internal import ModelFiles

/// An encoder with its tokenizer and a head for named classes.
///
/// Like its model, it belongs to one thread at a time.
public final class PretrainedClassifier {
    public let path: String
    public let configuration: ModelConfiguration
    public let tokenizer: Tokenizer
    public let model: any SequenceClassifier
    /// In the order of the head's outputs.
    public let classNames: [String]
    /// How it computes.
    public let options: ModelOptions

    /// - Parameters:
    ///   - path: A Hugging Face directory.
    ///   - cache: Keeps bfloat16 copies of weights of other types; `nil` converts them in memory.
    public init(
        path: String, classNames: [String], options: ModelOptions = ModelOptions(), cache: WeightCache? = nil
    ) throws {
        let directory = try ModelDirectory(path)
        self.path = path
        self.classNames = classNames
        self.options = options
        configuration = directory.configuration
        tokenizer = try Tokenizer(directory: path)
        guard tokenizer.largestID < configuration.vocabularySize else {
            throw PretrainedModelError.tokenOutsideVocabulary(
                path: path, id: tokenizer.largestID, vocabularySize: configuration.vocabularySize)
        }
        model = try directory.loadClassifier(options, classes: classNames.count, cache: cache)
    }

    /// Reads a PEFT directory and binds it to this model's layers and head.
    public func adapter(at directory: String) throws -> LowRankAdapter {
        let stored = try AdapterDirectory.read(directory)
        return try LowRankAdapter(
            binding: stored.layout, values: stored.values, configuration: stored.configuration,
            to: model.linearLayers, savedModules: model.savedModules)
    }

    /// Labelled rows as tokens, with the model's special ones, cut to `length`.
    ///
    /// - Parameters:
    ///   - split: Of one split, or (`nil`) of both.
    ///   - length: Unit: tokens.
    public func examples(
        of source: DataSource, split: DataRow.Split? = nil, length: Int
    ) throws(DataError) -> ClassificationExamples {
        try ClassificationExamples(source, split: split, labels: classNames, maximumLength: length) {
            [tokenizer] text, maximum in
            tokenizer.encode(text, addingSpecialTokens: true, maximumLength: maximum)
        }
    }
}
