internal import CKernels
internal import Tensor

extension Decoder {
    /// The lowest layer with an adapted projection; the layer count where only the head has one, or nothing has.
    func lowestAdaptedLayer(_ pass: Pass) -> Int {
        let lowest = (0..<headPosition).first { pass.factors($0) != nil } ?? headPosition
        return lowest / Projection.allCases.count
    }

    /// From the gradient of the head's input in `workspace.stream` down to the lowest adapted layer, adding each
    /// factor's gradient to the adapter's. What only layers below would need is not computed.
    func backward(_ pass: Pass) {
        let lowest = lowestAdaptedLayer(pass)
        guard lowest < configuration.layerCount else { return }
        // Row by row the kernel reads a row whole before it writes it, so it may work in place.
        shoal_rmsnorm_backward(
            workspace.stream.values, workspace.final.values, weights.finalNorm.float32, workspace.finalScale.values,
            workspace.stream.values, pass.rows, configuration.hiddenSize, false)
        for layer in stride(from: configuration.layerCount - 1, through: lowest, by: -1) {
            feedForwardBackward(layer, pass, isLowest: layer == lowest)
            attentionBackward(layer, pass, isLowest: layer == lowest)
        }
    }

    private func isAdapted(_ layer: Int, _ projections: [Projection], _ pass: Pass) -> Bool {
        projections.contains { pass.factors(position(layer, $0)) != nil }
    }

    private func feedForwardBackward(_ layer: Int, _ pass: Pass, isLowest: Bool) {
        let needsInput = !isLowest || isAdapted(layer, [.query, .key, .value, .output], pass)
        let needsGate = needsInput || isAdapted(layer, [.gate, .up], pass)
        guard needsGate || isAdapted(layer, [.down], pass) else { return }
        let rows = pass.rows
        let width = configuration.intermediateSize
        let held = activations[layer]
        let stream = workspace.stream.values
        let gateGradient = needsGate ? workspace.gateGradient.reserve(rows * width) : nil
        backward(layer, .down, stream, into: gateGradient, accumulate: false, pass)
        let gated = workspace.gated.reserve(rows * width)
        if let gateGradient {
            shoal_swiglu_backward(
                gateGradient, held.gate.values, held.up.values, gateGradient,
                workspace.upGradient.reserve(rows * width), gated, rows * width)
        } else {
            shoal_swiglu_forward(held.gate.values, held.up.values, gated, rows * width)
        }
        addFactorGradients(layer, .down, input: gated, stream, pass)
        guard let gateGradient else { return }
        let norm = weights.layers[layer].feedForwardNorm
        let (middle, scale) = (held.middle.values, held.middleScale.values)
        let normalised = normaliseAgain(
            middle, norm, scale, wanted: isAdapted(layer, [.gate, .up], pass), rows: rows)
        let target = needsInput ? workspace.normalisedGradient.reserve(rows * configuration.hiddenSize) : nil
        for (projection, gradient) in [(Projection.gate, gateGradient), (.up, workspace.upGradient.values)] {
            backward(layer, projection, gradient, into: target, accumulate: projection != .gate, pass)
            addFactorGradients(layer, projection, input: normalised, gradient, pass)
        }
        if let target {
            shoal_rmsnorm_backward(
                target, middle, norm.float32, scale, stream, rows, configuration.hiddenSize, true)
        }
    }

    private func attentionBackward(_ layer: Int, _ pass: Pass, isLowest: Bool) {
        let needsAttention = !isLowest || isAdapted(layer, [.query, .key, .value], pass)
        guard needsAttention || isAdapted(layer, [.output], pass) else { return }
        let rows = pass.rows
        let held = activations[layer]
        let stream = workspace.stream.values
        let attentionGradient =
            needsAttention ? workspace.attentionGradient.reserve(rows * configuration.queryWidth) : nil
        backward(layer, .output, stream, into: attentionGradient, accumulate: false, pass)
        addFactorGradients(layer, .output, input: held.attention.values, stream, pass)
        guard let attentionGradient else { return }
        let gradients = attendBackward(held, attentionGradient, pass)
        let norm = weights.layers[layer].attentionNorm
        let (input, scale) = (held.input.values, held.inputScale.values)
        let normalised = normaliseAgain(
            input, norm, scale, wanted: isAdapted(layer, [.query, .key, .value], pass), rows: rows)
        let target = isLowest ? nil : workspace.normalisedGradient.reserve(rows * configuration.hiddenSize)
        for (projection, gradient) in gradients {
            backward(layer, projection, gradient, into: target, accumulate: projection != .query, pass)
            addFactorGradients(layer, projection, input: normalised, gradient, pass)
        }
        if let target {
            shoal_rmsnorm_backward(
                target, input, norm.float32, scale, stream, rows, configuration.hiddenSize, true)
        }
    }

    /// Through attention and the rotation: the gradients of the three projections' outputs.
    private func attendBackward(
        _ held: LayerActivations, _ attentionGradient: UnsafePointer<Float>, _ pass: Pass
    ) -> [(Projection, UnsafeMutablePointer<Float>)] {
        let rows = pass.rows
        let query = workspace.queryGradient.reserve(rows * configuration.queryWidth)
        let key = workspace.keyGradient.reserve(rows * configuration.keyWidth)
        let value = workspace.valueGradient.reserve(rows * configuration.keyWidth)
        var shape = attentionShape(pass, keys: pass.length)
        shoal_attention_backward(
            SHOAL_FLOAT32, held.query.values, held.key.values, held.value.values, held.attention.values,
            held.logSumExp.values, attentionGradient,
            workspace.attentionScratch.reserve(shoal_attention_scratch(&shape, true)), query, key, value, &shape)
        for (gradient, heads) in [(query, configuration.headCount), (key, configuration.keyHeadCount)] {
            shoal_rotary_backward(
                gradient, rotary.cosine, rotary.sine, pass.blocks, pass.length, heads, configuration.headSize,
                pass.start)
        }
        return [(.query, query), (.key, key), (.value, value)]
    }

    /// The normalised input of a half-layer once more; only memory of the right kind where nobody wants it.
    private func normaliseAgain(
        _ input: UnsafePointer<Float>, _ weight: Weight, _ scale: UnsafePointer<Float>, wanted: Bool, rows: Int
    ) -> UnsafePointer<Float> {
        let width = configuration.hiddenSize
        let normalised = workspace.normalised.reserve(rows * width)
        if wanted { shoal_rmsnorm_repeat(input, weight.float32, scale, normalised, rows, width) }
        return UnsafePointer(normalised)
    }

    private func backward(
        _ layer: Int, _ projection: Projection, _ gradient: UnsafePointer<Float>,
        into target: UnsafeMutablePointer<Float>?, accumulate: Bool, _ pass: Pass
    ) {
        adaptedBackward(
            weights.layers[layer][projection], position: position(layer, projection), outputGradient: gradient,
            rows: pass.rows, firstRow: 0, into: target, accumulate: accumulate, pass)
    }

    private func addFactorGradients(
        _ layer: Int, _ projection: Projection, input: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>,
        _ pass: Pass
    ) {
        addFactorGradients(
            weights.layers[layer][projection], position: position(layer, projection), input: input,
            outputGradient: gradient, rows: pass.rows, firstRow: 0, pass)
    }
}
