internal import ModelFiles
internal import Tensor

/// MobileBERT (Sun et al. 2020, arXiv:2004.02984): narrow layers between bottlenecks, several feed-forwards in each,
/// trigrams of small embeddings, and in place of norms a factor and an offset for each column.
enum MobileBert: Architecture {
    static let modelType = "mobilebert"
    static let defaultBeginToken: Int32? = nil
    static let defaultEndToken: Int32? = nil

    static func plan(_ reader: ConfigurationReader) throws(ModelError) -> any NetworkPlan {
        try reader.refuseUnsupportedEncoder()
        for key in ["use_bottleneck", "trigram_input"] {
            try reader.require(key, in: [.boolean(true)], supported: "true")
        }
        try reader.require(
            "normalization_type", in: [.string("no_norm"), .string("layer_norm")],
            supported: "\"no_norm\" or \"layer_norm\"")
        let usesBottleneckAttention = try reader.boolean("use_bottleneck_attention", default: false)
        if !usesBottleneckAttention {
            try reader.require(
                "key_query_shared_bottleneck", in: [.boolean(true)],
                supported: "true (false only beside use_bottleneck_attention)")
        }
        let inner = try reader.size("intra_bottleneck_size", default: 128)
        try reader.require("true_hidden_size", in: [.integer(inner)], supported: "intra_bottleneck_size \(inner)")
        let heads = try reader.size("num_attention_heads", default: 4)
        try reader.checkHeads(heads, hiddenSize: inner, key: "num_attention_heads")
        let vocabulary = try reader.size("vocab_size", default: 30_522)
        let dropout = try reader.probability("hidden_dropout_prob", default: 0)
        return MobileBertPlan(
            settings: EncoderSettings(
                hiddenSize: try reader.size("hidden_size", default: 512),
                intermediateSize: try reader.size("intermediate_size", default: 512),
                layerCount: try reader.layers("num_hidden_layers", default: 24), headCount: heads,
                vocabularySize: vocabulary, maximumLength: try reader.size("max_position_embeddings", default: 512),
                epsilon: Float(try reader.positiveNumber("layer_norm_eps", default: 1e-12)),
                activation: try reader.activation(["hidden_act"], default: "relu"), hiddenDropout: dropout,
                attentionOutputDropout: 0,
                attentionDropout: try reader.probability("attention_probs_dropout_prob", default: 0.1),
                classifierDropout: try reader.probability("classifier_dropout", default: dropout),
                initialDeviation: Float(try reader.positiveNumber("initializer_range", default: 0.02))),
            typeCount: try reader.size("type_vocab_size", default: 2),
            embeddingSize: try reader.size("embedding_size", default: 128), innerSize: inner,
            feedForwardCount: try reader.size("num_feedforward_networks", default: 4),
            hasNorms: try reader.string("normalization_type") == "layer_norm",
            usesBottleneckAttention: usesBottleneckAttention,
            sharesKeyBottleneck: try reader.boolean("key_query_shared_bottleneck", default: true),
            hasPooler: try reader.boolean("classifier_activation", default: true))
    }
}

struct MobileBertPlan: EncoderPlan {
    let settings: EncoderSettings
    let typeCount: Int
    let embeddingSize: Int
    /// Width between the bottlenecks.
    let innerSize: Int
    /// Feed-forwards in a layer.
    let feedForwardCount: Int
    /// Layer norms instead of factors and offsets.
    let hasNorms: Bool
    /// Query, key and value read the residual's bottleneck.
    let usesBottleneckAttention: Bool
    /// Query and key have a bottleneck of their own.
    let sharesKeyBottleneck: Bool
    let hasPooler: Bool

    var vocabularySize: Int { settings.vocabularySize }
    var maximumLength: Int { settings.maximumLength }
    /// Checkpoints of the bare encoder leave it out.
    package var optionalPrefix: String { "mobilebert." }

    package func encoder(_ weights: WeightReader, classes: Int) throws(ModelError) -> any EncoderNetwork {
        try MobileBertEncoder(self, weights, classes: classes)
    }
}

private final class MobileBertEncoder: EncoderNetwork {
    private let settings: EncoderSettings
    private let tokenEmbedding: Weight
    private let positionEmbedding: Weight
    private let typeEmbedding: Weight
    private let embeddingTransformation: Linear
    private let embeddingNorm: MobileBertNorm
    private var layers: [MobileBertLayer] = []
    private let pooler: Linear?
    let headModules: [SavedModule]

    var vocabularySize: Int { settings.vocabularySize }
    var maximumLength: Int { settings.maximumLength }

    init(_ plan: MobileBertPlan, _ reader: WeightReader, classes: Int) throws(ModelError) {
        settings = plan.settings
        let hidden = settings.hiddenSize
        let path = "mobilebert.embeddings."
        tokenEmbedding = try reader.matrix(
            path + "word_embeddings.weight", settings.vocabularySize, plan.embeddingSize)
        positionEmbedding = try reader.matrix(path + "position_embeddings.weight", settings.maximumLength, hidden)
        typeEmbedding = try reader.matrix(path + "token_type_embeddings.weight", plan.typeCount, hidden)
        embeddingTransformation = try reader.linear(
            path + "embedding_transformation", inputs: 3 * plan.embeddingSize, outputs: hidden, hasBias: true)
        embeddingNorm = try MobileBertNorm(
            path + "LayerNorm", hidden, plan, reader, epsilon: MobileBertNorm.defaultEpsilon)
        for index in 0..<settings.layerCount {
            layers.append(try MobileBertLayer(plan, at: "mobilebert.encoder.layer.\(index).", reader))
        }
        pooler =
            plan.hasPooler
            ? try reader.linear("mobilebert.pooler.dense", inputs: hidden, outputs: hidden, hasBias: true) : nil
        headModules = [settings.classifier(inputs: hidden, classes: classes)]
    }

    func logits(_ tokens: [Int32], _ pass: EncoderPass) -> Activation {
        let computation = pass.computation
        let places = computation.embed(pass.blocks.places, positionEmbedding)
        computation.addEmbedding([Int32](repeating: 0, count: tokens.count), typeEmbedding, to: places)
        let trigrams = computation.embedTrigrams(tokens, tokenEmbedding, of: pass.blocks)
        let words = computation.linear(computation.narrowed(trigrams), embeddingTransformation)
        let embedded = computation.narrowed(computation.add(places, words))
        var x = computation.dropout(embeddingNorm(embedded, computation), probability: settings.hiddenDropout)
        for layer in layers {
            x = pass.layer(x) { layer($0, pass) }
        }
        var pooled = pass.firstRows(x)
        if let pooler { pooled = computation.activate(computation.linear(pooled, pooler), .tanh) }
        return pass.head(
            "classifier", computation.dropout(pooled, probability: settings.classifierDropout), resultType: .float32)
    }
}
