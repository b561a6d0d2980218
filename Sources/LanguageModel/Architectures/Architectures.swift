/// How one `model_type` of `config.json` becomes a decoder.
protocol Architecture: SendableMetatype {
    static var modelType: String { get }
    /// Token ids that transformers assumes where `config.json` has no such key.
    static var defaultBeginToken: Int32? { get }
    static var defaultEndToken: Int32? { get }
    /// Reads the settings; refuses by name what would change the result and is not supported.
    static func configuration(_ reader: ConfigurationReader) throws(ModelError) -> DecoderConfiguration
}

/// The registry: an architecture is known when it stands here.
enum Architectures {
    static let all: [any Architecture.Type] = [Llama.self]
}
