/// How one `model_type` of `config.json` becomes a network.
protocol Architecture: SendableMetatype {
    static var modelType: String { get }
    /// Token ids that transformers assumes where `config.json` has no such key.
    static var defaultBeginToken: Int32? { get }
    static var defaultEndToken: Int32? { get }
    /// Reads the settings; refuses by name what would change the result and is not supported.
    static func plan(_ reader: ConfigurationReader) throws(ModelError) -> any NetworkPlan
}

/// A network's sizes and settings, known before its weights.
package protocol NetworkPlan: Sendable {
    var vocabularySize: Int { get }
    /// Unit: tokens.
    var maximumLength: Int { get }
    /// What names of modules begin with that some checkpoints leave out.
    var optionalPrefix: String { get }
}

/// Of a network that predicts the next token.
package protocol DecoderPlan: NetworkPlan {
    func decoder(_ weights: WeightReader) throws(ModelError) -> any DecoderNetwork
}

/// Of a network that reads a whole text at once.
package protocol EncoderPlan: NetworkPlan {
    /// - Parameter classes: Outputs of the classification head.
    func encoder(_ weights: WeightReader, classes: Int) throws(ModelError) -> any EncoderNetwork
}

extension NetworkPlan {
    package var optionalPrefix: String { "" }
}

extension TransformerSettings: DecoderPlan {
    package func decoder(_ weights: WeightReader) throws(ModelError) -> any DecoderNetwork {
        try TransformerDecoder(self, weights)
    }
}

/// The registry: an architecture is known when it stands here.
enum Architectures {
    static let all: [any Architecture.Type] = [
        Llama.self, MobileLLM.self, Mistral.self, Qwen2.self, Qwen3.self, Gemma.self, Gemma3.self, Phi.self, Phi3.self,
        GPT2.self, Bert.self, DistilBert.self, MobileBert.self,
    ]
}
