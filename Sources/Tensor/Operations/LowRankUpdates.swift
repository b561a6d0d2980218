internal import CKernels

/// The low-rank updates of linear layers that share an input, during one pass.
final class LowRankUpdates {
    private struct Update {
        let factors: LowRankFactors
        /// The factors' and behind it the frozen product's, whose rows and columns get no gradient.
        let rank: Int
        let layer: Int?
        /// First column of the layer's output within the group's.
        let firstOutput: Int
        let outputs: Int
        /// First row of A within the stack.
        let firstRank: Int
        let dropoutStream: UInt32
        /// `[out, rank]` in the pass's type, the frozen product's columns last.
        let b: Block
    }

    private let computation: Computation
    private let inputs: Int
    private var updates: [Update] = []
    private var ranks = 0
    /// `[Σ rank, in]`: the factors A times their scales, in the pass's type.
    private var a: Block?
    /// `[rows, Σ rank]`: A's outputs times the scale.
    private var u: Block?
    /// `[rows, Σ rank]`: the gradient of u.
    private var du: Block?
    private var kernelType: shoal_type { computation.type.kernelType }
    private var arena: Arena { computation.arena }
    private var type: ElementType { computation.type }

    var isEmpty: Bool { updates.isEmpty }

    init(_ layers: [Linear], _ computation: Computation) {
        self.computation = computation
        inputs = layers[0].inputs
        var firstOutput = 0
        for layer in layers {
            defer { firstOutput += layer.outputs }
            guard let factors = computation.factors(of: layer) else { continue }
            let rank = factors.rank + (factors.frozen?.rank ?? 0)
            precondition(factors.frozen == nil || computation.adapterDropout == nil, "dropout before a frozen product")
            updates.append(
                Update(
                    factors: factors, rank: rank, layer: layer.index, firstOutput: firstOutput, outputs: layer.outputs,
                    firstRank: ranks,
                    dropoutStream: UInt32(truncatingIfNeeded: layer.index ?? 0),
                    b: Self.packedB(factors, outputs: layer.outputs, computation)))
            ranks += rank
        }
        guard !updates.isEmpty else { return }
        let stack = arena.take(ranks * inputs * type.size)
        for update in updates {
            let rows = stack.address + update.firstRank * inputs * type.size
            let own = update.factors.rank * inputs
            shoal_convert(SHOAL_FLOAT32, update.factors.a, kernelType, rows, own, update.factors.scale)
            guard let frozen = update.factors.frozen else { continue }
            shoal_convert(SHOAL_FLOAT32, frozen.a, kernelType, rows + own * type.size, frozen.rank * inputs, 1)
        }
        a = stack
    }

    /// `[out, rank]` in the pass's type: B, and in the columns behind it the frozen product's.
    private static func packedB(_ factors: LowRankFactors, outputs: Int, _ computation: Computation) -> Block {
        let (type, own) = (computation.type, factors.rank)
        guard let frozen = factors.frozen else {
            let b = computation.arena.take(outputs * own * type.size)
            shoal_convert(SHOAL_FLOAT32, factors.b, type.kernelType, b.address, outputs * own, 1)
            return b
        }
        let rank = own + frozen.rank
        let b = computation.arena.take(outputs * rank * type.size)
        for row in 0..<outputs {
            let target = b.address + row * rank * type.size
            shoal_convert(SHOAL_FLOAT32, factors.b + row * own, type.kernelType, target, own, 1)
            shoal_convert(
                SHOAL_FLOAT32, frozen.b + row * frozen.rank, type.kernelType, target + own * type.size, frozen.rank, 1)
        }
        return b
    }

    /// What the update adds to a layer's output, or to `count` of its columns from `first`; `prepare` comes before.
    func outputTerm(_ layer: Linear, rows: Int, first: Int = 0, count: Int? = nil) -> MatMul.Term? {
        guard let u, let update = updates.first(where: { $0.layer == layer.index }) else { return nil }
        let rank = update.rank
        let b = MatMul.Operand(
            update.b.address + first * rank * type.size, type, rows: count ?? update.outputs, columns: rank)
        return MatMul.Term(columns(of: u, update, rows: rows), b.transposed)
    }

    /// The factors' outputs are needed no more.
    func forget() { u = nil }

    /// A layer's factors in the pass's type: scaled A `[rank, in]` and B `[out, rank]`.
    func packed(_ layer: Linear) -> (a: MatMul.Operand, b: Block)? {
        guard let a, let update = updates.first(where: { $0.layer == layer.index }) else { return nil }
        let rows = MatMul.Operand(
            a.address + update.firstRank * inputs * type.size, type, rows: update.rank, columns: inputs)
        return (rows, update.b)
    }

    /// Computes the first factors' outputs u.
    func prepare(_ input: Activation) {
        guard let a else { return }
        let u = arena.take(input.rows * ranks * type.size)
        self.u = u
        eachInput(input) { x, updates in
            let (first, count) = span(updates)
            MatMul.multiply(
                x,
                MatMul.Operand(a.address + first * inputs * type.size, type, rows: count, columns: inputs).transposed,
                into: MatMul.Result(u.address + first * type.size, type, stride: ranks))
        }
    }

    /// Adds dA and dB to the adapter's gradient: dAᵢ = sᵢ (dyᵢ Bᵢ)ᵀ drop(x), dBᵢ = dyᵢᵀ uᵢ.
    func addFactorGradients(_ input: Activation, outputGradient output: Activation) {
        guard !updates.isEmpty else { return }
        if u == nil { prepare(input) }  // Where the outputs were not needed again.
        guard let u else { return }
        let rows = input.rows
        let du = arena.take(rows * ranks * type.size)
        self.du = du
        for update in updates {
            let dy = MatMul.Operand(gradientOf: output.slice(update.firstOutput, update.outputs))
            MatMul.multiply(
                dy, b(update), into: MatMul.Result(du.address + update.firstRank * type.size, type, stride: ranks))
            guard let gradientB = update.factors.gradientB else { continue }
            // uᵀ · dy has few rows and long ones, which the product's kernels like better than dyᵀ · u.
            let rank = update.factors.rank
            let transposed = arena.take(rank * update.outputs * 4)
            MatMul.multiply(
                columns(of: u, update, rows: rows, count: rank).transposed, dy, into: MatMul.Result(transposed.address))
            shoal_add_transposed(transposed.floats, gradientB, rank, update.outputs)
        }
        self.u = nil
        let gradientA = arena.take(ranks * inputs * 4)
        eachInput(input) { x, updates in
            let (first, count) = span(updates)
            let left = MatMul.Operand(
                du.address + first * type.size, type, rows: rows, columns: count, stride: ranks)
            MatMul.multiply(
                left.transposed, x, into: MatMul.Result(gradientA.address + first * inputs * 4))
        }
        for update in updates {
            guard let target = update.factors.gradientA else { continue }
            shoal_axpy(
                update.factors.scale, gradientA.floats + update.firstRank * inputs, target,
                update.factors.rank * inputs)
        }
    }

    /// The gradient that reaches the input through the updates, Σ duᵢ sᵢ Aᵢ; with dropout see ``addDropped(to:rows:)``.
    func inputTerm(rows: Int) -> MatMul.Term? {
        guard computation.adapterDropout == nil, let du, let a else { return nil }
        return MatMul.Term(
            MatMul.Operand(du.address, type, rows: rows, columns: ranks),
            MatMul.Operand(a.address, type, rows: ranks, columns: inputs))
    }

    /// Adds the gradient that reaches the input through dropout and the updates.
    func addDropped(to result: MatMul.Result, rows: Int) {
        guard let dropout = computation.adapterDropout, let du, let a else { return }
        precondition(result.stride == inputs, "dropout over columns of a larger matrix")
        let through = arena.take(rows * inputs * type.size)
        for update in updates {
            MatMul.multiply(
                columns(of: du, update, rows: rows),
                MatMul.Operand(
                    a.address + update.firstRank * inputs * type.size, type, rows: update.rank, columns: inputs),
                into: MatMul.Result(through.address, type))
            shoal_dropout_backward(
                kernelType, through.address, result.address, rows * inputs, dropout.probability, dropout.key,
                update.dropoutStream)
        }
    }

    /// Calls `body` with the input and all updates, or with each update's own dropped input.
    private func eachInput(_ input: Activation, _ body: (MatMul.Operand, ArraySlice<Update>) -> Void) {
        guard let dropout = computation.adapterDropout else {
            body(MatMul.Operand(input), updates[...])
            return
        }
        precondition(input.isWhole, "dropout over columns of a larger matrix")
        let dropped = arena.take(input.rows * inputs * type.size)
        for index in updates.indices {
            shoal_dropout_forward(
                kernelType, input.values, dropped.address, input.rows * inputs, dropout.probability, dropout.key,
                updates[index].dropoutStream)
            body(MatMul.Operand(dropped.address, type, rows: input.rows, columns: inputs), updates[index...index])
        }
    }

    private func span(_ updates: ArraySlice<Update>) -> (first: Int, count: Int) {
        (updates.first?.firstRank ?? 0, updates.reduce(0) { $0 + $1.rank })
    }

    /// - Parameter count: The first so many of the update's columns; `nil`: all.
    private func columns(of block: Block, _ update: Update, rows: Int, count: Int? = nil) -> MatMul.Operand {
        MatMul.Operand(
            block.address + update.firstRank * type.size, type, rows: rows, columns: count ?? update.rank,
            stride: ranks)
    }

    private func b(_ update: Update) -> MatMul.Operand {
        MatMul.Operand(update.b.address, type, rows: update.outputs, columns: update.rank)
    }
}
