internal import CKernels

/// The magnitudes of weight-decomposed updates (DoRA, Liu et al. 2024, arXiv:2402.09353) during one pass.
///
/// As in PEFT, the length of W + sBA counts as a constant in the gradient.
final class Magnitudes {
    private struct Entry {
        let factors: LowRankFactors
        let firstOutput: Int
        let outputs: Int
        let bias: Vector?
        /// `[out]`: magnitude by length.
        let ratios: Vector
        /// `[out]`: one by length.
        let reciprocals: Vector
        /// `[rows, out]`: the output before it was scaled; only while recording.
        var unscaled: Block?
    }

    private let computation: Computation
    private var entries: [Int: Entry] = [:]
    private var kernelType: shoal_type { computation.type.kernelType }

    init(_ layers: [Linear], _ updates: LowRankUpdates, _ computation: Computation) {
        self.computation = computation
        var first = 0
        for layer in layers {
            defer { first += layer.outputs }
            guard let index = layer.index, let factors = computation.factors(of: layer),
                let magnitude = factors.magnitude
            else { continue }
            let lengths = computation.rowLengths(layer, updates, factors)
            entries[index] = Entry(
                factors: factors, firstOutput: first, outputs: layer.outputs, bias: layer.bias,
                ratios: Vector(lengths.indices.map { magnitude[$0] / lengths[$0] }),
                reciprocals: Vector(lengths.map { 1 / $0 }), unscaled: nil)
        }
    }

    var isEmpty: Bool { entries.isEmpty }

    func applies(to layer: Linear) -> Bool {
        layer.index.map { entries[$0] != nil } ?? false
    }

    /// Scales the outputs and adds their biases.
    func forward(_ output: Activation) {
        for (index, entry) in entries {
            let slice = output.slice(entry.firstOutput, entry.outputs)
            if output.needsGradient { entries[index]?.unscaled = computation.copy(slice) }
            shoal_scale_columns(
                kernelType, slice.values, slice.stride, entry.ratios.values, entry.bias?.values, slice.values,
                slice.stride, slice.rows, slice.columns)
        }
    }

    /// Adds the magnitudes' gradients, and turns the outputs' gradients into those before scaling.
    func backward(_ output: Activation) {
        for entry in entries.values {
            let slice = output.slice(entry.firstOutput, entry.outputs)
            let (gradient, _) = output.gradientTarget(computation.arena)  // Nobody else's from here on.
            let address = gradient + slice.offset * slice.type.size
            if let target = entry.factors.gradientMagnitude, let unscaled = entry.unscaled {
                let sums = Vector([Float](repeating: 0, count: entry.outputs))
                shoal_column_products(
                    kernelType, address, slice.stride, unscaled.address, slice.columns, sums.values, slice.rows,
                    slice.columns)
                for index in 0..<entry.outputs { target[index] += sums.values[index] * entry.reciprocals.values[index] }
            }
            shoal_scale_columns(
                kernelType, address, slice.stride, entry.ratios.values, nil, address, slice.stride, slice.rows,
                slice.columns)
        }
    }
}

extension Computation {
    /// Lengths of the rows of W + sBA, from ‖w‖² + 2 b·(W sAᵀ) + b (sA sAᵀ) bᵀ: no matrix of W's size is made.
    fileprivate func rowLengths(_ layer: Linear, _ updates: LowRankUpdates, _ factors: LowRankFactors) -> [Float] {
        guard let (a, _) = updates.packed(layer) else { preconditionFailure("a magnitude without factors") }
        let rank = factors.rank
        let mixed = arena.take(layer.outputs * rank * 4)
        let square = arena.take(rank * rank * 4)
        withOperand(layer.weight) { MatMul.multiply($0, a.transposed, into: MatMul.Result(mixed.address)) }
        MatMul.multiply(a, a.transposed, into: MatMul.Result(square.address))
        return engine.squaredRowLengths(of: layer.weight, type).enumerated().map { row, own in
            let b = factors.b + row * rank
            var total = Double(own)
            for i in 0..<rank {
                var other = 0.0
                for j in 0..<rank { other += Double(square.floats[i * rank + j]) * Double(b[j]) }
                total += Double(b[i]) * (2 * Double(mixed.floats[row * rank + i]) + other)
            }
            return Float(max(total, 0).squareRoot())
        }
    }

    /// The values of a slice, `[rows, columns]` without gaps.
    fileprivate func copy(_ slice: Activation) -> Block {
        let size = slice.columns * slice.type.size
        let block = arena.take(slice.rows * size)
        for row in 0..<slice.rows {
            (block.address + row * size).copyMemory(
                from: slice.values + row * slice.stride * slice.type.size, byteCount: size)
        }
        return block
    }
}

extension Weight {
    /// The squared length of each row, `[rows]`.
    ///
    /// - Parameter computed: Type of the pass, to which a quantised weight's values are rounded as products take them.
    package func squaredRowLengths(_ computed: ElementType) -> [Float] {
        plain(computed, Arena()).plainSquaredRowLengths
    }

    /// The values as float32, `[rows, columns]`.
    ///
    /// - Parameter computed: As for ``squaredRowLengths(_:)``.
    package func float32Values(_ computed: ElementType) -> [Float] {
        let arena = Arena()
        let plain = plain(computed, arena)
        var stored = [Float](repeating: 0, count: rows * columns)
        shoal_convert(plain.type.kernelType, plain.bytes, SHOAL_FLOAT32, &stored, stored.count, 1)
        guard plain.isTransposed else { return stored }
        var values = stored
        for row in 0..<rows {
            for column in 0..<columns { values[row * columns + column] = stored[column * rows + row] }
        }
        return values
    }

    private var plainSquaredRowLengths: [Float] {
        var lengths = [Double](repeating: 0, count: rows)
        let wide = Arena().take(columns * 4)
        if isTransposed {
            let stored = Arena().take(rows * 4)
            for column in 0..<columns {
                shoal_convert(
                    type.kernelType, bytes + column * rows * type.size, SHOAL_FLOAT32, stored.address, rows, 1)
                for row in 0..<rows { lengths[row] += Double(stored.floats[row]) * Double(stored.floats[row]) }
            }
        } else {
            for row in 0..<rows {
                shoal_convert(
                    type.kernelType, bytes + row * columns * type.size, SHOAL_FLOAT32, wide.address, columns, 1)
                lengths[row] = shoal_squared_norm(wide.floats, columns)
            }
        }
        return lengths.map { Float($0) }
    }
}
