internal import ModelFiles
internal import Tensor

/// Phi-1, 1.5 and 2 (Li et al. 2023, arXiv:2309.05463): attention and feed-forward side by side behind one layer norm,
/// biases everywhere, and a part of each head that turns.
struct Phi: Architecture {
    static let modelType = "phi"
    static let defaultBeginToken: Int32? = 1
    static let defaultEndToken: Int32? = 2

    static func plan(_ reader: ConfigurationReader) throws(ModelError) -> any NetworkPlan {
        try reader.refuseCommonUnsupported(causalClass: "PhiForCausalLM")
        for key in ["resid_pdrop", "embd_pdrop"] { try reader.requireZero(key) }
        try reader.require("qk_layernorm", in: [.boolean(false)], supported: "false")
        let hidden = try reader.size("hidden_size")
        let heads = try reader.size("num_attention_heads")
        let keyHeads = try reader.size("num_key_value_heads", default: heads)
        let length = try reader.size("max_position_embeddings", default: 2048)
        let settings = PhiSettings(
            hiddenSize: hidden, intermediateSize: try reader.size("intermediate_size", default: 4 * hidden),
            layerCount: try reader.layers("num_hidden_layers"), headCount: heads, keyHeadCount: keyHeads,
            headSize: try reader.headSize(hiddenSize: hidden, heads: heads, keyHeads: keyHeads, default: nil),
            vocabularySize: try reader.size("vocab_size"), maximumLength: length,
            epsilon: Float(try reader.positiveNumber("layer_norm_eps", default: 1e-5)),
            rotary: try reader.rotaryScaling(defaultPartialFactor: 0.5, allowsPart: true, maximumLength: length),
            isHeadTied: try reader.boolean("tie_word_embeddings", default: false),
            activation: try reader.activation(["hidden_act"], default: "gelu_new"))
        try reader.checkRotated(settings.rotary, headSize: settings.headSize)
        return settings
    }
}

struct PhiSettings: DecoderPlan {
    let hiddenSize: Int
    let intermediateSize: Int
    let layerCount: Int
    let headCount: Int
    let keyHeadCount: Int
    let headSize: Int
    let vocabularySize: Int
    let maximumLength: Int
    let epsilon: Float
    let rotary: RotaryScaling
    let isHeadTied: Bool
    let activation: ActivationFunction

    package func decoder(_ weights: WeightReader) throws(ModelError) -> any DecoderNetwork {
        try PhiDecoder(self, weights)
    }
}

private final class PhiDecoder: DecoderNetwork {
    private struct Layer {
        let norm: Norm
        /// Query, key, value and the feed-forward's first layer: all read the norm's output.
        let inputs: [Linear]
        let attentionOutput: Linear
        let feedForwardOutput: Linear
    }

    private let settings: PhiSettings
    private let embedding: Weight
    private var layers: [Layer] = []
    private let finalNorm: Norm
    private var angles: RotaryAngles
    let head: Linear

    var vocabularySize: Int { settings.vocabularySize }
    var maximumLength: Int { settings.maximumLength }
    var layerCount: Int { settings.layerCount }
    var readsInParts: Bool { !settings.rotary.dependsOnLength }

    init(_ settings: PhiSettings, _ reader: WeightReader) throws(ModelError) {
        self.settings = settings
        let (hidden, inner) = (settings.hiddenSize, settings.intermediateSize)
        let (queryWidth, keyWidth) = (settings.headCount * settings.headSize, settings.keyHeadCount * settings.headSize)
        embedding = try reader.matrix("model.embed_tokens.weight", settings.vocabularySize, hidden)
        func norm(_ name: String) throws(ModelError) -> Norm {
            Norm(
                kind: .layer, weight: try reader.vector(name + ".weight", hidden),
                bias: try reader.vector(name + ".bias", hidden), epsilon: settings.epsilon)
        }
        for index in 0..<settings.layerCount {
            let path = "model.layers.\(index)."
            func linear(_ name: String, _ inputs: Int, _ outputs: Int) throws(ModelError) -> Linear {
                try reader.linear(path + name, inputs: inputs, outputs: outputs, hasBias: true)
            }
            let query = try linear("self_attn.q_proj", hidden, queryWidth)
            let key = try linear("self_attn.k_proj", hidden, keyWidth)
            let value = try linear("self_attn.v_proj", hidden, keyWidth)
            let dense = try linear("self_attn.dense", queryWidth, hidden)
            let first = try linear("mlp.fc1", hidden, inner)
            let second = try linear("mlp.fc2", inner, hidden)
            layers.append(
                Layer(
                    norm: try norm(path + "input_layernorm"), inputs: [query, key, value, first],
                    attentionOutput: dense, feedForwardOutput: second))
        }
        finalNorm = try norm("model.final_layernorm")
        // A tied head still has a bias of its own.
        head =
            settings.isHeadTied
            ? Linear(weight: embedding, bias: try reader.vector("lm_head.bias", settings.vocabularySize), index: nil)
            : try reader.linear(
                "lm_head", inputs: hidden, outputs: settings.vocabularySize, hasBias: true, isOutputHead: true)
        angles = settings.rotary.angles(headSize: settings.headSize, length: settings.maximumLength)
    }

    func hidden(_ tokens: [Int32], _ pass: DecoderPass) -> Activation {
        let computation = pass.computation
        let (heads, keyHeads) = (settings.headCount, settings.keyHeadCount)
        let (queryWidth, keyWidth) = (heads * settings.headSize, keyHeads * settings.headSize)
        var stream = Residual(computation.embed(tokens, embedding))
        for (index, layer) in layers.enumerated() {
            stream = pass.layer(stream) { [self] input in
                var stream = input
                let projected = computation.linears(stream.normalised(layer.norm, computation), layer.inputs)
                let query = projected.slice(0, queryWidth)
                let key = projected.slice(queryWidth, keyWidth)
                let angles = turning(length: pass.start + pass.length)
                computation.rotate(query, angles, heads: heads, length: pass.length, start: pass.start)
                computation.rotate(key, angles, heads: keyHeads, length: pass.length, start: pass.start)
                let attention = pass.attend(
                    query, key, projected.slice(queryWidth + keyWidth, keyWidth), layer: index, heads: heads,
                    keyHeads: keyHeads, scale: 1 / Float(settings.headSize).squareRoot())
                let inner = projected.slice(queryWidth + 2 * keyWidth, settings.intermediateSize)
                stream.add(computation.linear(attention, layer.attentionOutput), computation)
                stream.add(
                    computation.linear(computation.activate(inner, settings.activation), layer.feedForwardOutput),
                    computation)
                return stream
            }
        }
        return stream.normalised(finalNorm, computation)
    }

    private func turning(length: Int) -> RotaryAngles {
        settings.rotary.dependsOnLength ? settings.rotary.angles(headSize: settings.headSize, length: length) : angles
    }
}
