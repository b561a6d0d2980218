/// What a model directory's `config.json` says.
public struct ModelConfiguration: Sendable {
    /// `model_type`, for example `llama`.
    public let architecture: String
    public let vocabularySize: Int
    /// The longest block that the position encoding covers, `max_position_embeddings`. Unit: tokens.
    public let maximumLength: Int
    /// Put before each text; `nil` where `config.json` says null.
    public let beginToken: Int32?
    /// Put after each text, and what ends generation; the first one where `config.json` lists several.
    public let endToken: Int32?
    /// Class names in order, `id2label`; empty where `config.json` has none.
    public let labels: [String]
    /// How the linear layers' weights are quantised; `nil`: they are not.
    public let quantisation: QuantisationFormat?
    package let plan: any NetworkPlan

    /// Whether it is an encoder, made for classification, and no language model.
    public var isEncoder: Bool { plan is any EncoderPlan }

    /// Architectures that this build can run.
    public static var supportedArchitectures: [String] { Architectures.all.map { $0.modelType } }

    /// Reads `config.json`.
    ///
    /// A setting that would change what the model computes and that is not supported is refused by name.
    public init(path: String) throws(ModelError) {
        let reader = try ConfigurationReader(path: path)
        guard let name = try reader.string("model_type") else { throw .missingKey(file: path, key: "model_type") }
        guard let found = Architectures.all.first(where: { $0.modelType == name }) else {
            throw .unsupportedArchitecture(file: path, name: name, supported: Self.supportedArchitectures)
        }
        let plan = try found.plan(reader)
        architecture = name
        vocabularySize = plan.vocabularySize
        maximumLength = plan.maximumLength
        // Where a key is missing, transformers falls back to its configuration class's own default.
        beginToken = try reader.token("bos_token_id", vocabularySize: vocabularySize, default: found.defaultBeginToken)
        endToken = try reader.token("eos_token_id", vocabularySize: vocabularySize, default: found.defaultEndToken)
        labels = try reader.labels()
        quantisation = try reader.quantisation()
        self.plan = plan
    }
}
