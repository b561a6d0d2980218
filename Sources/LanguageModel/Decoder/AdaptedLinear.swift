internal import CKernels
internal import Tensor

/// One linear layer with a low-rank update: y = W x + bias + B (s · A drop(x)). N rows, u = s · A drop(x) `[N, rank]`.
extension Decoder {
    /// - Parameters:
    ///   - position: The layer's place among the adapter's factors.
    ///   - input: `[rows, in]`.
    ///   - firstRow: The first row's place in the batch, where a layer is computed in chunks of rows.
    ///   - output: `[rows, out]`, overwritten.
    func adaptedForward(
        _ linear: DecoderWeights.Linear, position: Int, _ input: UnsafePointer<Float>, rows: Int, firstRow: Int,
        into output: UnsafeMutablePointer<Float>, _ pass: Pass
    ) {
        let (inputs, outputs) = (linear.weight.columns, linear.weight.rows)
        let x = MatMul.Operand(input, rows: rows, columns: inputs)
        matMul.multiply(x, MatMul.Operand(linear.weight).transposed, into: output)
        if let bias = linear.bias { shoal_add_bias(output, bias.float32, rows, outputs) }
        guard let factors = pass.factors(position) else { return }
        let u = rankOutputs[position].reserve(pass.rows * factors.rank) + firstRow * factors.rank
        let dropped = MatMul.Operand(
            droppedInput(input, position: position, rows: rows, firstRow: firstRow, width: inputs, pass), rows: rows,
            columns: inputs)
        let a = MatMul.Operand(factors.a, rows: factors.rank, columns: inputs)
        let b = MatMul.Operand(factors.b, rows: outputs, columns: factors.rank)
        matMul.multiply(dropped, a.transposed, into: u)
        shoal_scale(u, factors.scale, rows * factors.rank)
        matMul.multiply(
            MatMul.Operand(u, rows: rows, columns: factors.rank), b.transposed, into: output, accumulate: true)
    }

    /// The gradient of the layer's input, and of u, which ``addFactorGradients`` needs next.
    ///
    /// - Parameter inputGradient: `[rows, in]`; `nil` where nobody below needs it.
    func adaptedBackward(
        _ linear: DecoderWeights.Linear, position: Int, outputGradient: UnsafePointer<Float>, rows: Int, firstRow: Int,
        into inputGradient: UnsafeMutablePointer<Float>?, accumulate: Bool, _ pass: Pass
    ) {
        let (inputs, outputs) = (linear.weight.columns, linear.weight.rows)
        let dy = MatMul.Operand(outputGradient, rows: rows, columns: outputs)
        if let inputGradient {
            matMul.multiply(dy, MatMul.Operand(linear.weight), into: inputGradient, accumulate: accumulate)
        }
        guard let factors = pass.factors(position) else { return }
        let rank = factors.rank
        let du = workspace.rankGradient.reserve(rows * rank)
        matMul.multiply(dy, MatMul.Operand(factors.b, rows: outputs, columns: rank), into: du)
        shoal_scale(du, factors.scale, rows * rank)
        guard let inputGradient else { return }
        let left = MatMul.Operand(du, rows: rows, columns: rank)
        let a = MatMul.Operand(factors.a, rows: rank, columns: inputs)
        guard let dropout = pass.adapter?.dropout else {
            matMul.multiply(left, a, into: inputGradient, accumulate: true)
            return
        }
        let throughDropout = workspace.dropped.reserve(rows * inputs)
        matMul.multiply(left, a, into: throughDropout)
        shoal_dropout_backward(
            throughDropout, inputGradient, rows * inputs, dropout.probability, dropout.key,
            Self.stream(position, firstRow: firstRow))
    }

    /// Adds dA = duᵀ · drop(x) and dB = dyᵀ · u to the adapter's gradient, after ``adaptedBackward`` has made du.
    func addFactorGradients(
        _ linear: DecoderWeights.Linear, position: Int, input: UnsafePointer<Float>,
        outputGradient: UnsafePointer<Float>, rows: Int, firstRow: Int, _ pass: Pass
    ) {
        guard let factors = pass.factors(position), let gradientA = factors.gradientA,
            let gradientB = factors.gradientB
        else { return }
        let (inputs, outputs) = (linear.weight.columns, linear.weight.rows)
        let rank = factors.rank
        let du = MatMul.Operand(workspace.rankGradient.values, rows: rows, columns: rank)
        let u = MatMul.Operand(rankOutputs[position].values + firstRow * rank, rows: rows, columns: rank)
        let dropped = droppedInput(
            input, position: position, rows: rows, firstRow: firstRow, width: inputs, pass)
        matMul.multiply(
            du.transposed, MatMul.Operand(dropped, rows: rows, columns: inputs), into: gradientA, accumulate: true)
        // uᵀ · dy has few rows and long ones, which the product's kernels like better than dyᵀ · u.
        let transposed = workspace.transposedGradient.reserve(rank * outputs)
        matMul.multiply(
            u.transposed, MatMul.Operand(outputGradient, rows: rows, columns: outputs), into: transposed)
        shoal_add_transposed(transposed, gradientB, rank, outputs)
    }

    private func droppedInput(
        _ input: UnsafePointer<Float>, position: Int, rows: Int, firstRow: Int, width: Int, _ pass: Pass
    ) -> UnsafePointer<Float> {
        guard let dropout = pass.adapter?.dropout else { return input }
        let dropped = workspace.dropped.reserve(rows * width)
        shoal_dropout_forward(
            input, dropped, rows * width, dropout.probability, dropout.key, Self.stream(position, firstRow: firstRow))
        return UnsafePointer(dropped)
    }

    /// Chunks of rows get masks of their own; the head is the only layer with more than one.
    private static func stream(_ position: Int, firstRow: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: position) &+ UInt32(truncatingIfNeeded: firstRow) &* 65_536
    }
}
