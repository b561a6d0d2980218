internal import ModelFiles
internal import Tensor

/// BERT (Devlin et al. 2018, arXiv:1810.04805), MiniLM among them: learned positions, layer norms after each half-layer,
/// a pooler over the first token. All tokens are of the first type.
enum Bert: Architecture {
    static let modelType = "bert"
    static let defaultBeginToken: Int32? = nil
    static let defaultEndToken: Int32? = nil

    static func plan(_ reader: ConfigurationReader) throws(ModelError) -> any NetworkPlan {
        try reader.refuseUnsupportedEncoder()
        let hidden = try reader.size("hidden_size", default: 768)
        let heads = try reader.size("num_attention_heads", default: 12)
        try reader.checkHeads(heads, hiddenSize: hidden, key: "num_attention_heads")
        let vocabulary = try reader.size("vocab_size", default: 30_522)
        let dropout = try reader.probability("hidden_dropout_prob", default: 0.1)
        return BertPlan(
            settings: EncoderSettings(
                hiddenSize: hidden, intermediateSize: try reader.size("intermediate_size", default: 3072),
                layerCount: try reader.layers("num_hidden_layers", default: 12), headCount: heads,
                vocabularySize: vocabulary, maximumLength: try reader.size("max_position_embeddings", default: 512),
                epsilon: Float(try reader.positiveNumber("layer_norm_eps", default: 1e-12)),
                activation: try reader.activation(["hidden_act"], default: "gelu"), hiddenDropout: dropout,
                attentionOutputDropout: dropout,
                attentionDropout: try reader.probability("attention_probs_dropout_prob", default: 0.1),
                classifierDropout: try reader.probability("classifier_dropout", default: dropout),
                initialDeviation: Float(try reader.positiveNumber("initializer_range", default: 0.02))),
            typeCount: try reader.size("type_vocab_size", default: 2))
    }
}

struct BertPlan: EncoderPlan {
    let settings: EncoderSettings
    let typeCount: Int

    var vocabularySize: Int { settings.vocabularySize }
    var maximumLength: Int { settings.maximumLength }
    /// Checkpoints of the bare encoder leave it out.
    package var optionalPrefix: String { "bert." }

    package func encoder(_ weights: WeightReader, classes: Int) throws(ModelError) -> any EncoderNetwork {
        try BertEncoder(self, weights, classes: classes)
    }
}

private final class BertEncoder: EncoderNetwork {
    private static let names = PostNormLayer.Names(
        query: "attention.self.query", key: "attention.self.key", value: "attention.self.value",
        attentionOutput: "attention.output.dense", attentionNorm: "attention.output.LayerNorm",
        feedForwardInput: "intermediate.dense", feedForwardOutput: "output.dense", feedForwardNorm: "output.LayerNorm")

    private let settings: EncoderSettings
    private let tokenEmbedding: Weight
    private let positionEmbedding: Weight
    private let typeEmbedding: Weight
    private let embeddingNorm: Norm
    private var layers: [PostNormLayer] = []
    private let pooler: Linear
    let headModules: [SavedModule]

    var vocabularySize: Int { settings.vocabularySize }
    var maximumLength: Int { settings.maximumLength }

    init(_ plan: BertPlan, _ reader: WeightReader, classes: Int) throws(ModelError) {
        settings = plan.settings
        let hidden = settings.hiddenSize
        tokenEmbedding = try reader.matrix("bert.embeddings.word_embeddings.weight", settings.vocabularySize, hidden)
        positionEmbedding = try reader.matrix(
            "bert.embeddings.position_embeddings.weight", settings.maximumLength, hidden)
        typeEmbedding = try reader.matrix("bert.embeddings.token_type_embeddings.weight", plan.typeCount, hidden)
        embeddingNorm = try reader.layerNorm("bert.embeddings.LayerNorm", hidden, settings.epsilon)
        for index in 0..<settings.layerCount {
            layers.append(try PostNormLayer(settings, Self.names, at: "bert.encoder.layer.\(index).", reader))
        }
        pooler = try reader.linear("bert.pooler.dense", inputs: hidden, outputs: hidden, hasBias: true)
        headModules = [settings.classifier(inputs: hidden, classes: classes)]
    }

    func logits(_ tokens: [Int32], _ pass: EncoderPass) -> Activation {
        let computation = pass.computation
        let embedded = computation.embed(tokens, tokenEmbedding)
        computation.addEmbedding(pass.blocks.places, positionEmbedding, to: embedded)
        computation.addEmbedding([Int32](repeating: 0, count: tokens.count), typeEmbedding, to: embedded)
        let x = computation.dropout(
            computation.normalise(embedded, embeddingNorm), probability: settings.hiddenDropout)
        let first = pass.firstRows(x, through: layers)
        let pooled = computation.activate(computation.linear(first, pooler), .tanh)
        return pass.head(
            "classifier", computation.dropout(pooled, probability: settings.classifierDropout), resultType: .float32)
    }
}
