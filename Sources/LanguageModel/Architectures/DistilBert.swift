internal import ModelFiles
internal import Tensor

/// DistilBERT (Sanh et al. 2019, arXiv:1910.01108): BERT without token types and pooler; its head has two layers.
enum DistilBert: Architecture {
    static let modelType = "distilbert"
    static let defaultBeginToken: Int32? = nil
    static let defaultEndToken: Int32? = nil

    static func plan(_ reader: ConfigurationReader) throws(ModelError) -> any NetworkPlan {
        try reader.refuseUnsupportedEncoder()
        // With sinusoidal positions the table is in the checkpoint as well, so either value computes the same.
        _ = try reader.boolean("sinusoidal_pos_embds", default: false)
        let hidden = try reader.size("dim", default: 768)
        let heads = try reader.size("n_heads", default: 12)
        try reader.checkHeads(heads, hiddenSize: hidden, key: "n_heads")
        let vocabulary = try reader.size("vocab_size", default: 30_522)
        return DistilBertPlan(
            settings: EncoderSettings(
                hiddenSize: hidden, intermediateSize: try reader.size("hidden_dim", default: 3072),
                layerCount: try reader.layers("n_layers", default: 6), headCount: heads, vocabularySize: vocabulary,
                maximumLength: try reader.size("max_position_embeddings", default: 512), epsilon: 1e-12,
                activation: try reader.activation(["activation"], default: "gelu"),
                hiddenDropout: try reader.probability("dropout", default: 0.1), attentionOutputDropout: 0,
                attentionDropout: try reader.probability("attention_dropout", default: 0.1),
                classifierDropout: try reader.probability("seq_classif_dropout", default: 0.2),
                initialDeviation: Float(try reader.positiveNumber("initializer_range", default: 0.02))))
    }
}

struct DistilBertPlan: EncoderPlan {
    let settings: EncoderSettings

    var vocabularySize: Int { settings.vocabularySize }
    var maximumLength: Int { settings.maximumLength }
    /// Checkpoints of the bare encoder leave it out.
    package var optionalPrefix: String { "distilbert." }

    package func encoder(_ weights: WeightReader, classes: Int) throws(ModelError) -> any EncoderNetwork {
        try DistilBertEncoder(settings, weights, classes: classes)
    }
}

private final class DistilBertEncoder: EncoderNetwork {
    private static let names = PostNormLayer.Names(
        query: "attention.q_lin", key: "attention.k_lin", value: "attention.v_lin",
        attentionOutput: "attention.out_lin", attentionNorm: "sa_layer_norm", feedForwardInput: "ffn.lin1",
        feedForwardOutput: "ffn.lin2", feedForwardNorm: "output_layer_norm")

    private let settings: EncoderSettings
    private let tokenEmbedding: Weight
    private let positionEmbedding: Weight
    private let embeddingNorm: Norm
    private var layers: [PostNormLayer] = []
    let headModules: [SavedModule]

    var vocabularySize: Int { settings.vocabularySize }
    var maximumLength: Int { settings.maximumLength }

    init(_ settings: EncoderSettings, _ reader: WeightReader, classes: Int) throws(ModelError) {
        self.settings = settings
        let hidden = settings.hiddenSize
        tokenEmbedding = try reader.matrix(
            "distilbert.embeddings.word_embeddings.weight", settings.vocabularySize, hidden)
        positionEmbedding = try reader.matrix(
            "distilbert.embeddings.position_embeddings.weight", settings.maximumLength, hidden)
        embeddingNorm = try reader.layerNorm("distilbert.embeddings.LayerNorm", hidden, settings.epsilon)
        for index in 0..<settings.layerCount {
            layers.append(
                try PostNormLayer(settings, Self.names, at: "distilbert.transformer.layer.\(index).", reader))
        }
        headModules = [
            SavedModule(
                name: "pre_classifier", inputs: hidden, outputs: hidden, hasBias: true,
                initialDeviation: settings.initialDeviation),
            settings.classifier(inputs: hidden, classes: classes),
        ]
    }

    func logits(_ tokens: [Int32], _ pass: EncoderPass) -> Activation {
        let computation = pass.computation
        let embedded = computation.embed(tokens, tokenEmbedding)
        computation.addEmbedding(pass.blocks.places, positionEmbedding, to: embedded)
        let x = computation.dropout(
            computation.normalise(embedded, embeddingNorm), probability: settings.hiddenDropout)
        let first = pass.firstRows(x, through: layers)
        let inner = computation.activate(pass.head("pre_classifier", first), .relu)
        return pass.head(
            "classifier", computation.dropout(inner, probability: settings.classifierDropout), resultType: .float32)
    }
}
