internal import CKernels

/// Cross-entropy over the vocabulary, whose logits never exist together: the head's rows are taken in blocks, and each
/// block's part of the hidden gradient is added before the next block comes, rescaled when a row's maximum grows.
extension Computation {
    /// Words in a block: its logits stay near the caches, its products are large enough for full speed.
    private static let blockWords = 3072

    /// - Parameters:
    ///   - hidden: `[rows, in]`, the head's input.
    ///   - labels: `[rows]`; a negative one counts nothing.
    ///   - gradientScale: The gradient of the sum of all losses times this goes to `hidden` and the head's own adapter;
    ///     `nil`: none is wanted.
    /// - Returns: `[rows]`, 0 where nothing counts. Unit: nats.
    package func vocabularyLosses(
        _ hidden: Activation, _ head: Linear, labels: [Int32], gradientScale: Float?
    ) -> [Float] {
        precondition(labels.count == hidden.rows && hidden.isWhole, "one label a row")
        let updates = LowRankUpdates([head], self)
        var state = RowState(rows: hidden.rows)
        let wantsGradient = gradientScale != nil && (hidden.needsGradient || !updates.isEmpty)
        let sumsAtOnce = wantsGradient && updates.isEmpty
        let sum = sumsAtOnce ? arena.take(hidden.rows * hidden.columns * 4) : nil
        let logits = LogitBlocks(hidden, head, updates, self)
        for first in stride(from: 0, to: head.outputs, by: Self.blockWords) {
            let words = min(Self.blockWords, head.outputs - first)
            let weights = sumsAtOnce ? arena.take(hidden.rows * words * type.size) : nil
            shoal_vocabulary_block(
                type.kernelType, logits.compute(first, words), weights?.address, labels, first, hidden.rows, words,
                &state.highest, &state.total, &state.target, &state.kept)
            guard let sum, let weights else { continue }
            if first > 0 { shoal_scale_rows(sum.floats, state.kept, hidden.rows, hidden.columns) }
            MatMul.multiply(
                MatMul.Operand(weights.address, type, rows: hidden.rows, columns: words),
                MatMul.Operand(head.weight.rows(first, words)), into: MatMul.Result(sum.address),
                accumulate: first > 0)
        }
        if let gradientScale, wantsGradient {
            if let sum {
                setGradient(of: hidden, sum, head, labels, state, gradientScale)
            } else {
                adaptedGradient(hidden, head, updates, logits, labels, state, gradientScale)
            }
        }
        return state.losses(labels)
    }

    /// hidden's gradient = (sum / total − W[label]) · scale.
    private func setGradient(
        of hidden: Activation, _ sum: Block, _ head: Linear, _ labels: [Int32], _ state: RowState, _ scale: Float
    ) {
        let width = hidden.columns
        let factors = labels.indices.map { labels[$0] < 0 ? 0 : scale / state.total[$0] }
        shoal_scale_rows(sum.floats, factors, hidden.rows, width)
        let row = arena.take(width * 4)
        for (index, label) in labels.enumerated() where label >= 0 {
            shoal_gather_rows(
                head.weight.type.kernelType, head.weight.bytes, [label], row.floats, 1, width, -scale, false)
            shoal_axpy(1, row.floats, sum.floats + index * width, width)
        }
        addGradient(sum, .float32, to: hidden)
    }

    /// A head with an adapter needs each logit's final gradient, so the logits are computed a second time.
    private func adaptedGradient(
        _ hidden: Activation, _ head: Linear, _ updates: LowRankUpdates, _ logits: LogitBlocks, _ labels: [Int32],
        _ state: RowState, _ scale: Float
    ) {
        let all = make(hidden.rows, head.outputs, type, needsGradient: true)
        let target = all.gradientTarget(arena).address
        for first in stride(from: 0, to: head.outputs, by: Self.blockWords) {
            let words = min(Self.blockWords, head.outputs - first)
            let values = logits.compute(first, words)
            for (row, label) in labels.enumerated() {
                let place = values + row * words
                let shift = state.highest[row] + state.total[row].logarithm
                for word in 0..<words { place[word] -= shift }
                shoal_exp(place, place, words)
                shoal_scale(place, label < 0 ? 0 : scale, words)
                let column = Int(label) - first
                if label >= 0, column >= 0, column < words { place[column] -= scale }
                shoal_convert(
                    SHOAL_FLOAT32, place, type.kernelType, target + (row * head.outputs + first) * type.size, words, 1)
            }
        }
        updates.addFactorGradients(hidden, outputGradient: all)
        guard hidden.needsGradient else { return }
        let (address, accumulates) = hidden.gradientTarget(arena)
        let result = MatMul.Result(address, hidden.type, stride: hidden.stride)
        let update = updates.inputTerm(rows: hidden.rows)
        MatMul.add(
            [MatMul.Term(MatMul.Operand(gradientOf: all), MatMul.Operand(head.weight))] + (update.map { [$0] } ?? []),
            into: result, accumulate: accumulates)
        updates.addDropped(to: result, rows: hidden.rows)
    }

    /// Logits of one row range, `[rows, vocabulary]`, float32.
    package func logits(_ hidden: Activation, _ head: Linear) -> [Float] {
        let updates = LowRankUpdates([head], self)
        let blocks = LogitBlocks(hidden, head, updates, self)
        let count = hidden.rows * head.outputs
        return [Float](unsafeUninitializedCapacity: count) { target, initialized in
            if let base = target.baseAddress {
                base.update(from: blocks.compute(0, head.outputs), count: count)
            }
            initialized = count
        }
    }
}

/// What is known of each row's softmax so far.
private struct RowState {
    var highest: [Float]
    var total: [Float]
    var target: [Float]
    var kept: [Float]

    init(rows: Int) {
        highest = [Float](repeating: -1e30, count: rows)
        total = [Float](repeating: 0, count: rows)
        target = total
        kept = total
    }

    func losses(_ labels: [Int32]) -> [Float] {
        labels.indices.map { labels[$0] < 0 ? 0 : total[$0].logarithm + (highest[$0] - target[$0]) }
    }
}

/// The head's logits by blocks of words.
private final class LogitBlocks {
    private let hidden: Activation
    private let head: Linear
    private let computation: Computation
    private let updates: LowRankUpdates
    private var block: Block?

    init(_ hidden: Activation, _ head: Linear, _ updates: LowRankUpdates, _ computation: Computation) {
        self.hidden = hidden
        self.head = head
        self.updates = updates
        self.computation = computation
        updates.prepare(hidden)
    }

    /// `[rows, words]` of the words from `first`, valid until the next call.
    func compute(_ first: Int, _ words: Int) -> UnsafeMutablePointer<Float> {
        let rows = hidden.rows
        block = nil
        let made = computation.arena.take(rows * words * 4)
        block = made
        let update = updates.outputTerm(head, rows: rows, first: first, count: words)
        MatMul.add(
            [MatMul.Term(MatMul.Operand(hidden), MatMul.Operand(head.weight.rows(first, words)).transposed)]
                + (update.map { [$0] } ?? []),
            into: MatMul.Result(made.address), bias: head.bias?.slice(first, words))
        return made.floats
    }
}
