package import Tensor

/// A decoder of pre-norm layers: norm, attention, residual addition; norm, gated unit, residual addition.
package final class TransformerDecoder: DecoderNetwork {
    private struct Layer {
        let inputNorm: Norm
        let attentionOuterNorm: Norm?
        let feedForwardNorm: Norm
        let feedForwardOuterNorm: Norm?
        let queryNorm: Norm?
        let keyNorm: Norm?
        /// Query, key and value, or one layer for the three.
        let attentionInputs: [Linear]
        let attentionOutput: Linear
        /// Gate and up, or one layer for both.
        let gateAndUp: [Linear]
        let down: Linear
    }

    private let settings: TransformerSettings
    private let embedding: Weight
    private var layers: [Layer] = []
    private let finalNorm: Norm
    package let head: Linear
    private var angles: [RotaryScaling: RotaryAngles] = [:]

    package var vocabularySize: Int { settings.vocabularySize }
    package var maximumLength: Int { settings.maximumLength }
    package var layerCount: Int { settings.layerCount * settings.layerRepetitions }
    package var readsInParts: Bool { !settings.rotary.contains { $0.dependsOnLength } }

    package init(_ settings: TransformerSettings, _ reader: WeightReader) throws(ModelError) {
        self.settings = settings
        let hidden = settings.hiddenSize
        embedding = try reader.matrix("model.embed_tokens.weight", settings.vocabularySize, hidden)
        func norm(_ name: String, _ width: Int) throws(ModelError) -> Norm {
            Norm(
                kind: .rootMeanSquare,
                weight: try reader.vector(name + ".weight", width, offset: settings.normOffset),
                epsilon: settings.normEpsilon)
        }
        for index in 0..<settings.layerCount {
            layers.append(try Self.layer("model.layers.\(index).", settings, reader, norm))
        }
        finalNorm = try norm("model.norm", hidden)
        head =
            settings.isHeadTied
            ? reader.tiedHead(embedding)
            : try reader.linear(
                "lm_head", inputs: hidden, outputs: settings.vocabularySize, hasBias: false, isOutputHead: true)
    }

    private static func layer(
        _ path: String, _ settings: TransformerSettings, _ reader: WeightReader,
        _ norm: (String, Int) throws(ModelError) -> Norm
    ) throws(ModelError) -> Layer {
        let (hidden, inner) = (settings.hiddenSize, settings.intermediateSize)
        func linear(_ name: String, _ inputs: Int, _ outputs: Int, _ hasBias: Bool) throws(ModelError) -> Linear {
            try reader.linear(path + name, inputs: inputs, outputs: outputs, hasBias: hasBias)
        }
        let bias = settings.hasQueryBias
        var attentionInputs: [Linear] = []
        if settings.hasFusedProjections {
            attentionInputs = [
                try linear("self_attn.qkv_proj", hidden, settings.queryWidth + 2 * settings.keyWidth, bias)
            ]
        } else {
            attentionInputs.append(try linear("self_attn.q_proj", hidden, settings.queryWidth, bias))
            attentionInputs.append(try linear("self_attn.k_proj", hidden, settings.keyWidth, bias))
            attentionInputs.append(try linear("self_attn.v_proj", hidden, settings.keyWidth, bias))
        }
        let output = try linear("self_attn.o_proj", settings.queryWidth, hidden, settings.hasOutputBias)
        var gateAndUp: [Linear] = []
        if settings.hasFusedProjections {
            gateAndUp = [try linear("mlp.gate_up_proj", hidden, 2 * inner, settings.hasFeedForwardBias)]
        } else {
            gateAndUp.append(try linear("mlp.gate_proj", hidden, inner, settings.hasFeedForwardBias))
            gateAndUp.append(try linear("mlp.up_proj", hidden, inner, settings.hasFeedForwardBias))
        }
        let down = try linear("mlp.down_proj", inner, hidden, settings.hasFeedForwardBias)
        // With outer norms, post_attention_layernorm is the attention's own outer norm.
        let outer = settings.hasOuterNorms
        return Layer(
            inputNorm: try norm(path + "input_layernorm", hidden),
            attentionOuterNorm: outer ? try norm(path + "post_attention_layernorm", hidden) : nil,
            feedForwardNorm: try norm(
                path + (outer ? "pre_feedforward_layernorm" : "post_attention_layernorm"), hidden),
            feedForwardOuterNorm: outer ? try norm(path + "post_feedforward_layernorm", hidden) : nil,
            queryNorm: settings.hasHeadNorms ? try norm(path + "self_attn.q_norm", settings.headSize) : nil,
            keyNorm: settings.hasHeadNorms ? try norm(path + "self_attn.k_norm", settings.headSize) : nil,
            attentionInputs: attentionInputs, attentionOutput: output, gateAndUp: gateAndUp, down: down)
    }

    package func hidden(_ tokens: [Int32], _ pass: DecoderPass) -> Activation {
        var stream = Residual(pass.computation.embed(tokens, embedding, factor: settings.embeddingFactor))
        for index in layers.indices {
            for repetition in 0..<settings.layerRepetitions {
                stream = pass.layer(stream) { [self] input in
                    var stream = input
                    attention(&stream, index, cacheLayer: index * settings.layerRepetitions + repetition, pass)
                    feedForward(&stream, layers[index], pass.computation)
                    return stream
                }
            }
        }
        return stream.normalised(finalNorm, pass.computation)
    }

    private func attention(_ stream: inout Residual, _ index: Int, cacheLayer: Int, _ pass: DecoderPass) {
        let computation = pass.computation
        let layer = layers[index]
        let (queryWidth, keyWidth) = (settings.queryWidth, settings.keyWidth)
        let projected = computation.linears(stream.normalised(layer.inputNorm, computation), layer.attentionInputs)
        var query = projected.slice(0, queryWidth)
        var key = projected.slice(queryWidth, keyWidth)
        let value = projected.slice(queryWidth + keyWidth, keyWidth)
        if let queryNorm = layer.queryNorm, let keyNorm = layer.keyNorm {
            query = computation.normalise(query, queryNorm, heads: settings.headCount)
            key = computation.normalise(key, keyNorm, heads: settings.keyHeadCount)
        }
        let angles = angles(settings.rotary[index], length: pass.start + pass.length)
        computation.rotate(query, angles, heads: settings.headCount, length: pass.length, start: pass.start)
        computation.rotate(key, angles, heads: settings.keyHeadCount, length: pass.length, start: pass.start)
        let attention = pass.attend(
            query, key, value, layer: cacheLayer, heads: settings.headCount, keyHeads: settings.keyHeadCount,
            scale: Float(settings.attentionScale), window: settings.windows[index])
        var output = computation.linear(attention, layer.attentionOutput)
        if let norm = layer.attentionOuterNorm { output = computation.normalise(output, norm) }
        stream.add(output, computation)
    }

    private func feedForward(_ stream: inout Residual, _ layer: Layer, _ computation: Computation) {
        let width = settings.intermediateSize
        let both = computation.linears(stream.normalised(layer.feedForwardNorm, computation), layer.gateAndUp)
        let gated = computation.gate(both.slice(0, width), both.slice(width, width), settings.activation)
        var output = computation.linear(gated, layer.down)
        if let norm = layer.feedForwardOuterNorm { output = computation.normalise(output, norm) }
        stream.add(output, computation)
    }

    private func angles(_ scaling: RotaryScaling, length: Int) -> RotaryAngles {
        if scaling.dependsOnLength { return scaling.angles(headSize: settings.headSize, length: length) }
        if let known = angles[scaling] { return known }
        let made = scaling.angles(headSize: settings.headSize, length: length)
        angles[scaling] = made
        return made
    }
}
