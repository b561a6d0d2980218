internal import CKernels

/// Root-mean-square or layer normalisation with frozen weights.
package struct Norm {
    package enum Kind: Sendable { case rootMeanSquare, layer }
    package let kind: Kind
    /// `[columns]`
    package let weight: Vector
    package let bias: Vector?
    package let epsilon: Float

    package init(kind: Kind, weight: Vector, bias: Vector? = nil, epsilon: Float) {
        self.kind = kind
        self.weight = weight
        self.bias = bias
        self.epsilon = epsilon
    }

    fileprivate func shape(_ x: Activation, groups: Int, outStride: Int) -> shoal_norm {
        shoal_norm(
            rows: x.rows * groups, columns: weight.count, groups: groups, x_stride: x.stride, out_stride: outStride,
            centred: kind == .layer, epsilon: epsilon, weight: weight.values, bias: bias?.values)
    }
}

extension Computation {
    /// Normalises each row, or each of `heads` equal parts of a row.
    package func normalise(_ x: Activation, _ norm: Norm, heads: Int = 1) -> Activation {
        precondition(x.columns == norm.weight.count * heads, "a norm of another width")
        return normalise(x, adding: nil, norm, heads: heads, wantsSum: false).normalised
    }

    /// Adds to the residual stream and normalises the sum. While recording, neither term can be read afterwards.
    ///
    /// - Parameters:
    ///   - stream: `[rows, columns]`, float32 or of the pass's type.
    ///   - delta: Of the pass's type.
    /// - Returns: The sum, of the stream's type, and the normalised rows, of the pass's.
    package func addAndNormalise(
        _ stream: Activation, _ delta: Activation?, _ norm: Norm
    ) -> (stream: Activation, normalised: Activation) {
        guard let delta else { return (stream, normalise(stream, norm)) }
        let made = normalise(stream, adding: delta, norm, heads: 1, wantsSum: true)
        return (made.sum ?? stream, made.normalised)
    }

    /// The same where nobody needs the sum: normalisation after the residual addition.
    package func normaliseSum(_ x: Activation, _ delta: Activation, _ norm: Norm) -> Activation {
        normalise(x, adding: delta, norm, heads: 1, wantsSum: false).normalised
    }

    private func normalise(
        _ x: Activation, adding delta: Activation?, _ norm: Norm, heads: Int, wantsSum: Bool
    ) -> (sum: Activation?, normalised: Activation) {
        let needsGradient = x.needsGradient || delta?.needsGradient == true
        let rows = x.rows * heads
        let keeps = needsGradient && isRecording
        let kept = keeps ? arena.take(x.rows * x.columns * type.size) : nil
        let scale = arena.take(rows * 4)
        let shape = norm.shape(x, groups: heads, outStride: x.columns)
        let kernelType = type.kernelType
        let sum = wantsSum ? make(x.rows, x.columns, x.type, needsGradient: needsGradient) : nil
        let output = make(
            x.rows, x.columns, type, needsGradient: needsGradient,
            restore: kept.map { kept in
                { address in
                    var shape = shape
                    withExtendedLifetime(norm) { shoal_norm_repeat(kernelType, &shape, kept.address, address) }
                }
            })
        var forwardShape = shape
        shoal_norm_forward(
            x.type.kernelType, kernelType, &forwardShape, x.values, delta?.values, sum?.values, kept?.address,
            output.values, scale.floats)
        guard let kept, keeps else { return (sum, output) }
        if wantsSum {
            // The sum takes their place; kept for the backward pass they would double its memory.
            x.storage.discardValues()
            delta?.storage.discardValues()
        }
        record { [self] in
            guard let gradient = output.gradient else {
                if let sum { passOn(sum, to: x, and: delta) }
                return
            }
            var shape = shape
            if let sum {
                let (target, accumulates) = sum.gradientTarget(arena)
                let wantsCopy = delta?.needsGradient == true && sum.type != type
                let copy = wantsCopy ? arena.take(x.rows * x.columns * type.size) : nil
                shape.x_stride = sum.stride
                shoal_norm_backward(
                    sum.type.kernelType, kernelType, &shape, gradient, kept.address, scale.floats, target,
                    copy?.address, accumulates)
                sum.storage.narrowGradient = copy
                passOn(sum, to: x, and: delta)
            } else if let delta {
                let both = arena.take(x.rows * x.columns * x.type.size)
                shape.x_stride = x.columns
                shoal_norm_backward(
                    x.type.kernelType, kernelType, &shape, gradient, kept.address, scale.floats, both.address, nil,
                    false)
                if delta.needsGradient { addGradient(both, x.type, to: delta) }
                if x.needsGradient { x.storage.addGradient(both, arena) }
            } else {
                let (target, accumulates) = x.gradientTarget(arena)
                shoal_norm_backward(
                    x.type.kernelType, kernelType, &shape, gradient, kept.address, scale.floats, target, nil,
                    accumulates)
            }
            _ = norm  // Keeps the weights that `shape` points at.
        }
        return (sum, output)
    }
}
