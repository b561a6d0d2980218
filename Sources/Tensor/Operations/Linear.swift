internal import CKernels

/// A frozen linear layer, `y = x Wᵀ + bias`.
package struct Linear {
    /// `[outputs, inputs]`
    package let weight: Weight
    /// `[outputs]`
    package let bias: Vector?
    /// Place among the layers that may carry an adapter; `nil` where none may.
    package let index: Int?

    package var inputs: Int { weight.columns }
    package var outputs: Int { weight.rows }

    package init(weight: Weight, bias: Vector?, index: Int?) {
        self.weight = weight
        self.bias = bias
        self.index = index
    }
}

/// Linear layers of one input with their low-rank updates: yᵢ = Wᵢ x + biasᵢ + Bᵢ (sᵢ Aᵢ drop(x)),
/// and with magnitudes (DoRA) yᵢ = biasᵢ + mᵢ ⊙ (Wᵢ x + Bᵢ (sᵢ Aᵢ x)) / ‖Wᵢ + sᵢ Bᵢ Aᵢ‖.
///
/// The updates' first factors are stacked, so that layers that share an input share one product for them.
extension Computation {
    package func linear(_ input: Activation, _ layer: Linear) -> Activation {
        linears(input, [layer])
    }

    /// - Returns: `[rows, Σ outputs]`, the layers' results side by side.
    package func linears(_ input: Activation, _ layers: [Linear]) -> Activation {
        let updates = LowRankUpdates(layers, self)
        let magnitudes = Magnitudes(layers, updates, self)
        let output = make(
            input.rows, layers.reduce(0) { $0 + $1.outputs }, type,
            needsGradient: input.needsGradient || !updates.isEmpty)
        let (width, isRecorded) = (output.columns, output.needsGradient)
        let forward = { [self] (target: UnsafeMutableRawPointer) in
            updates.prepare(input)
            let x = MatMul.Operand(input)
            var first = 0
            for layer in layers {
                withOperand(layer.weight) { weight in
                    let update = updates.outputTerm(layer, rows: input.rows)
                    MatMul.add(
                        [MatMul.Term(x, weight.transposed)] + (update.map { [$0] } ?? []),
                        into: MatMul.Result(target + first * type.size, type, stride: width),
                        bias: magnitudes.applies(to: layer) ? nil : layer.bias)
                }
                first += layer.outputs
            }
            if isRecorded { input.storage.giveUpValues() } else { updates.forget() }
        }
        if magnitudes.isEmpty {
            produce(output, forward)
        } else {
            forward(output.values)
            magnitudes.forward(output)
        }
        if output.needsGradient { record { [self] in backward(input, layers, updates, magnitudes, output) } }
        return output
    }

    private func backward(
        _ input: Activation, _ layers: [Linear], _ updates: LowRankUpdates, _ magnitudes: Magnitudes,
        _ output: Activation
    ) {
        guard output.gradient != nil else { return }
        magnitudes.backward(output)
        updates.addFactorGradients(input, outputGradient: output)
        guard input.needsGradient else { return }
        let (target, accumulates) = input.gradientTarget(arena)
        let result = MatMul.Result(target, input.type, stride: input.stride)
        // All terms in one pass: expanded weights of one group fit beside each other.
        let weights = layers.map { $0.weight.plain(type, arena) }
        var terms = updates.inputTerm(rows: input.rows).map { [$0] } ?? []
        var first = 0
        for (layer, weight) in zip(layers, weights) {
            terms.append(
                MatMul.Term(
                    MatMul.Operand(gradientOf: output.slice(first, layer.outputs)), MatMul.Operand(weight)))
            first += layer.outputs
        }
        withExtendedLifetime(weights) {
            MatMul.add(terms, into: result, accumulate: accumulates)
        }
        updates.addDropped(to: result, rows: input.rows)
    }
}

extension MatMul.Operand {
    /// An activation's gradient, which must have arrived.
    init(gradientOf activation: Activation) {
        guard let gradient = activation.gradient else { preconditionFailure("a gradient read before it was made") }
        self.init(
            gradient, activation.type, rows: activation.rows, columns: activation.columns, stride: activation.stride)
    }
}

extension MatMul.Result {
    init(_ activation: Activation) {
        self.init(activation.values, activation.type, stride: activation.stride)
    }
}
