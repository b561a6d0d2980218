internal import ModelFiles
internal import Tensor

/// GPT-2 (Radford et al. 2019): learned positions, layer norms, GELU, and weights stored as `[inputs, outputs]`.
enum GPT2: Architecture {
    static let modelType = "gpt2"
    static let defaultBeginToken: Int32? = 50_256
    static let defaultEndToken: Int32? = 50_256

    static func plan(_ reader: ConfigurationReader) throws(ModelError) -> any NetworkPlan {
        try reader.refuseCommonUnsupported(causalClass: "GPT2LMHeadModel")
        for key in ["scale_attn_by_inverse_layer_idx", "add_cross_attention"] {
            try reader.require(key, in: [.boolean(false)], supported: "false")
        }
        try reader.require("scale_attn_weights", in: [.boolean(true)], supported: "true")
        let hidden = try reader.size("n_embd", default: 768)
        let heads = try reader.size("n_head", default: 12)
        try reader.checkHeads(heads, hiddenSize: hidden, key: "n_head")
        return GPT2Settings(
            hiddenSize: hidden, intermediateSize: try reader.size("n_inner", default: 4 * hidden),
            layerCount: try reader.layers("n_layer", default: 12), headCount: heads,
            headSize: hidden / heads,
            vocabularySize: try reader.size("vocab_size", default: 50_257),
            maximumLength: try reader.size("n_positions", default: 1024),
            epsilon: Float(try reader.positiveNumber("layer_norm_epsilon", default: 1e-5)),
            isHeadTied: try reader.boolean("tie_word_embeddings", default: true),
            activation: try reader.activation(["activation_function"], default: "gelu_new"),
            embeddingDropout: try reader.probability("embd_pdrop", default: 0.1),
            residualDropout: try reader.probability("resid_pdrop", default: 0.1),
            attentionDropout: try reader.probability("attn_pdrop", default: 0.1))
    }
}

struct GPT2Settings: DecoderPlan {
    let hiddenSize: Int
    let intermediateSize: Int
    let layerCount: Int
    let headCount: Int
    let headSize: Int
    let vocabularySize: Int
    let maximumLength: Int
    let epsilon: Float
    let isHeadTied: Bool
    let activation: ActivationFunction
    let embeddingDropout: Float
    let residualDropout: Float
    let attentionDropout: Float

    /// The published checkpoints leave it out.
    package var optionalPrefix: String { "transformer." }

    package func decoder(_ weights: WeightReader) throws(ModelError) -> any DecoderNetwork {
        try GPT2Decoder(self, weights)
    }
}

private final class GPT2Decoder: DecoderNetwork {
    private struct Layer {
        let attentionNorm: Norm
        let feedForwardNorm: Norm
        /// Query, key and value in one.
        let attentionInput: Linear
        let attentionOutput: Linear
        let feedForwardInput: Linear
        let feedForwardOutput: Linear
    }

    private let settings: GPT2Settings
    private let tokenEmbedding: Weight
    private let positionEmbedding: Weight
    private var layers: [Layer] = []
    private let finalNorm: Norm
    let head: Linear

    var vocabularySize: Int { settings.vocabularySize }
    var maximumLength: Int { settings.maximumLength }
    var layerCount: Int { settings.layerCount }

    init(_ settings: GPT2Settings, _ reader: WeightReader) throws(ModelError) {
        self.settings = settings
        let (hidden, inner) = (settings.hiddenSize, settings.intermediateSize)
        tokenEmbedding = try reader.matrix("transformer.wte.weight", settings.vocabularySize, hidden)
        positionEmbedding = try reader.matrix("transformer.wpe.weight", settings.maximumLength, hidden)
        func norm(_ name: String) throws(ModelError) -> Norm {
            Norm(
                kind: .layer, weight: try reader.vector(name + ".weight", hidden),
                bias: try reader.vector(name + ".bias", hidden), epsilon: settings.epsilon)
        }
        for index in 0..<settings.layerCount {
            let path = "transformer.h.\(index)."
            func linear(_ name: String, _ inputs: Int, _ outputs: Int) throws(ModelError) -> Linear {
                try reader.linear(path + name, inputs: inputs, outputs: outputs, hasBias: true, isTransposed: true)
            }
            layers.append(
                Layer(
                    attentionNorm: try norm(path + "ln_1"), feedForwardNorm: try norm(path + "ln_2"),
                    attentionInput: try linear("attn.c_attn", hidden, 3 * hidden),
                    attentionOutput: try linear("attn.c_proj", hidden, hidden),
                    feedForwardInput: try linear("mlp.c_fc", hidden, inner),
                    feedForwardOutput: try linear("mlp.c_proj", inner, hidden)))
        }
        finalNorm = try norm("transformer.ln_f")
        head =
            settings.isHeadTied
            ? reader.tiedHead(tokenEmbedding)
            : try reader.linear(
                "lm_head", inputs: hidden, outputs: settings.vocabularySize, hasBias: false, isOutputHead: true)
    }

    func hidden(_ tokens: [Int32], _ pass: DecoderPass) -> Activation {
        let computation = pass.computation
        let embedded = computation.embed(tokens, tokenEmbedding)
        let positions = tokens.indices.map { Int32(pass.start + $0 % pass.length) }
        computation.addEmbedding(positions, positionEmbedding, to: embedded)
        var stream = Residual(computation.dropout(embedded, probability: settings.embeddingDropout))
        for (index, layer) in layers.enumerated() {
            stream = pass.layer(stream) { [settings] input in
                var stream = input
                let hidden = settings.hiddenSize
                let projected = computation.linear(
                    stream.normalised(layer.attentionNorm, computation), layer.attentionInput)
                let attention = pass.attend(
                    projected.slice(0, hidden), projected.slice(hidden, hidden), projected.slice(2 * hidden, hidden),
                    layer: index, heads: settings.headCount, keyHeads: settings.headCount,
                    scale: 1 / Float(settings.headSize).squareRoot(), dropout: settings.attentionDropout)
                stream.add(
                    computation.dropout(
                        computation.linear(attention, layer.attentionOutput), probability: settings.residualDropout),
                    computation)
                let inner = computation.linear(
                    stream.normalised(layer.feedForwardNorm, computation), layer.feedForwardInput)
                stream.add(
                    computation.dropout(
                        computation.linear(computation.activate(inner, settings.activation), layer.feedForwardOutput),
                        probability: settings.residualDropout),
                    computation)
                return stream
            }
        }
        return stream.normalised(finalNorm, computation)
    }
}
