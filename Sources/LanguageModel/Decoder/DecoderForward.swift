internal import CKernels
internal import Tensor

extension Decoder {
    /// Runs all layers; leaves the residual stream in `workspace.final` and its normalisation, the head's input, in
    /// `workspace.normalised`, `[N, C]` each.
    ///
    /// - Parameter cache: Keys and values of earlier tokens; this call's are appended (`blocks` must be 1).
    func forward(_ tokens: [Int32], _ pass: Pass, cache: UnsafeMutablePointer<KeyValueCache>? = nil) {
        let rows = pass.rows
        let hidden = configuration.hiddenSize
        rotary.reserve(pass.start + pass.length)
        prepareBuffers(pass)
        shoal_gather_rows(
            weights.embedding.float32, tokens, activations[0].input.reserve(rows * hidden), rows, hidden)
        for layer in weights.layers.indices {
            attentionForward(layer, pass, cache: cache)
            feedForward(layer, pass)
        }
        let last = activations[slot(weights.layers.count - 1, pass)]
        normalise(
            last.middle.values, addedTo: workspace.final.values, weight: weights.finalNorm,
            scale: workspace.finalScale.reserve(rows), rows: rows)
    }

    /// Index of the layer's activations.
    func slot(_ layer: Int, _ pass: Pass) -> Int { pass.keepsActivations ? layer : layer % 2 }

    private func prepareBuffers(_ pass: Pass) {
        let count = pass.keepsActivations ? configuration.layerCount : min(configuration.layerCount, 2)
        while activations.count < count { activations.append(LayerActivations()) }
        while rankOutputs.count <= headPosition { rankOutputs.append(ScratchBuffer()) }
    }

    /// `sum += addend` (both `[N, C]`), then normalises the sum into `workspace.normalised`.
    private func normalise(
        _ addend: UnsafePointer<Float>, addedTo sum: UnsafeMutablePointer<Float>, weight: Weight,
        scale: UnsafeMutablePointer<Float>, rows: Int
    ) {
        let width = configuration.hiddenSize
        shoal_residual_rmsnorm_forward(
            addend, sum, weight.float32, workspace.normalised.reserve(rows * width), scale, rows, width,
            configuration.normEpsilon)
    }

    /// Normalisation, q, k, v, rotation, attention, output projection; the latter's result goes to `middle`, without
    /// the residual addition that the next normalisation does.
    private func attentionForward(_ layer: Int, _ pass: Pass, cache: UnsafeMutablePointer<KeyValueCache>?) {
        let rows = pass.rows
        let held = activations[slot(layer, pass)]
        let weight = weights.layers[layer]
        let scale = held.inputScale.reserve(rows)
        if layer == 0 {
            shoal_rmsnorm_forward(
                held.input.values, weight.attentionNorm.float32,
                workspace.normalised.reserve(rows * configuration.hiddenSize), scale, rows, configuration.hiddenSize,
                configuration.normEpsilon)
        } else {
            let below = activations[slot(layer - 1, pass)]
            normalise(
                below.middle.values, addedTo: held.input.values, weight: weight.attentionNorm, scale: scale, rows: rows)
        }
        let input = workspace.normalised.values
        let query = held.query.reserve(rows * configuration.queryWidth)
        let key = held.key.reserve(rows * configuration.keyWidth)
        let value = held.value.reserve(rows * configuration.keyWidth)
        project(layer, .query, input, into: query, pass)
        project(layer, .key, input, into: key, pass)
        project(layer, .value, input, into: value, pass)
        for (values, heads) in [(query, configuration.headCount), (key, configuration.keyHeadCount)] {
            shoal_rotary_forward(
                values, rotary.cosine, rotary.sine, pass.blocks, pass.length, heads, configuration.headSize, pass.start)
        }
        let attention = held.attention.reserve(rows * configuration.queryWidth)
        if let cache {
            attend(layer, held, appendingTo: &cache.pointee, pass, into: attention)
        } else {
            var shape = attentionShape(pass, keys: pass.length)
            shoal_attention_forward(
                SHOAL_FLOAT32, query, key, value, attention, held.logSumExp.reserve(rows * configuration.headCount),
                workspace.attentionScratch.reserve(shoal_attention_scratch(&shape, false)), &shape)
        }
        project(layer, .output, attention, into: held.middle.reserve(rows * configuration.hiddenSize), pass)
    }

    private func attend(
        _ layer: Int, _ held: LayerActivations, appendingTo cache: inout KeyValueCache, _ pass: Pass,
        into attention: UnsafeMutablePointer<Float>
    ) {
        let count = pass.rows * configuration.keyWidth
        cache.keys[layer].append(contentsOf: UnsafeBufferPointer(start: held.key.values, count: count))
        cache.values[layer].append(contentsOf: UnsafeBufferPointer(start: held.value.values, count: count))
        var shape = attentionShape(pass, keys: pass.start + pass.length)
        shoal_attention_forward(
            SHOAL_FLOAT32, held.query.values, cache.keys[layer], cache.values[layer], attention, nil,
            workspace.attentionScratch.reserve(shoal_attention_scratch(&shape, false)), &shape)
    }

    func attentionShape(_ pass: Pass, keys: Int) -> shoal_attention_shape {
        shoal_attention_shape(
            blocks: pass.blocks, queries: pass.length, keys: keys, heads: configuration.headCount,
            key_heads: configuration.keyHeadCount, head_size: configuration.headSize,
            query_stride: configuration.queryWidth, key_stride: configuration.keyWidth,
            value_stride: configuration.keyWidth, out_stride: configuration.queryWidth, window: 0, causal: true,
            lengths: nil,
            scale: 1 / Float(configuration.headSize).squareRoot())
    }

    /// Normalisation and the gated unit; its result goes to the next layer's `input` (or `workspace.final`), without
    /// the residual addition that the next normalisation does.
    private func feedForward(_ layer: Int, _ pass: Pass) {
        let rows = pass.rows
        let held = activations[slot(layer, pass)]
        let width = configuration.intermediateSize
        normalise(
            held.input.values, addedTo: held.middle.values, weight: weights.layers[layer].feedForwardNorm,
            scale: held.middleScale.reserve(rows), rows: rows)
        let gate = held.gate.reserve(rows * width)
        let up = held.up.reserve(rows * width)
        project(layer, .gate, workspace.normalised.values, into: gate, pass)
        project(layer, .up, workspace.normalised.values, into: up, pass)
        let gated = workspace.gated.reserve(rows * width)
        shoal_swiglu_forward(gate, up, gated, rows * width)
        let isLast = layer == weights.layers.count - 1
        let target = isLast ? workspace.final : activations[slot(layer + 1, pass)].input
        project(layer, .down, gated, into: target.reserve(rows * configuration.hiddenSize), pass)
    }

    private func project(
        _ layer: Int, _ projection: Projection, _ input: UnsafePointer<Float>,
        into output: UnsafeMutablePointer<Float>, _ pass: Pass
    ) {
        let position = position(layer, projection)
        adaptedForward(
            weights.layers[layer][projection], position: position, input, rows: pass.rows, firstRow: 0, into: output,
            pass)
    }
}
