internal import CKernels

/// A linear layer whose weight trains whole, float32 whatever the pass's type: y = x Wᵀ + bias.
///
/// The memory belongs to the caller and outlives the pass.
package struct TrainedLinear {
    package let inputs: Int
    package let outputs: Int
    /// `[outputs, inputs]`
    package let weight: UnsafePointer<Float>
    /// `[outputs]`
    package let bias: UnsafePointer<Float>?
    /// Where gradients are added; `nil`: none are wanted.
    package let weightGradient: UnsafeMutablePointer<Float>?
    package let biasGradient: UnsafeMutablePointer<Float>?

    package init(
        inputs: Int, outputs: Int, weight: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
        weightGradient: UnsafeMutablePointer<Float>?, biasGradient: UnsafeMutablePointer<Float>?
    ) {
        self.inputs = inputs
        self.outputs = outputs
        self.weight = weight
        self.bias = bias
        self.weightGradient = weightGradient
        self.biasGradient = biasGradient
    }
}

extension Computation {
    /// - Parameter resultType: The pass's own type by default.
    package func linear(
        _ input: Activation, _ layer: TrainedLinear, resultType: ElementType? = nil
    ) -> Activation {
        precondition(input.columns == layer.inputs && input.isWhole, "\(input.columns) inputs of \(layer.inputs)")
        let wide = float32Values(input)
        let rows = input.rows
        let product = arena.take(rows * layer.outputs * 4)
        let weight = MatMul.Operand(layer.weight, rows: layer.outputs, columns: layer.inputs)
        let bias = layer.bias.map { Vector([Float](UnsafeBufferPointer(start: $0, count: layer.outputs))) }
        let x = MatMul.Operand(wide.address, rows: rows, columns: layer.inputs)
        withExtendedLifetime(bias) {
            MatMul.multiply(x, weight.transposed, into: MatMul.Result(product.address), bias: bias)
        }
        let output = make(rows, layer.outputs, resultType ?? type, needsGradient: true)
        shoal_convert(
            SHOAL_FLOAT32, product.address, output.type.kernelType, output.values, rows * layer.outputs, 1)
        record { [self] in
            guard let gradient = output.gradient else { return }
            let wideGradient = arena.take(rows * layer.outputs * 4)
            shoal_convert(
                output.type.kernelType, gradient, SHOAL_FLOAT32, wideGradient.address, rows * layer.outputs, 1)
            let dy = MatMul.Operand(wideGradient.address, rows: rows, columns: layer.outputs)
            if let target = layer.weightGradient {
                MatMul.multiply(
                    dy.transposed, MatMul.Operand(wide.address, rows: rows, columns: layer.inputs),
                    into: MatMul.Result(target), accumulate: true)
            }
            if let target = layer.biasGradient {
                shoal_column_products(
                    SHOAL_FLOAT32, wideGradient.address, layer.outputs, nil, 0, target, rows, layer.outputs)
            }
            guard input.needsGradient else { return }
            let inputGradient = arena.take(rows * layer.inputs * 4)
            MatMul.multiply(dy, weight, into: MatMul.Result(inputGradient.address))
            addGradient(inputGradient, .float32, to: input)
        }
        return output
    }

    /// A float32 copy, `[rows, columns]`.
    private func float32Values(_ x: Activation) -> Block {
        let copy = arena.take(x.rows * x.columns * 4)
        shoal_convert(x.type.kernelType, x.values, SHOAL_FLOAT32, copy.address, x.rows * x.columns, 1)
        return copy
    }
}
