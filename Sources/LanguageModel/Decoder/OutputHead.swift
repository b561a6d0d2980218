internal import CKernels
internal import Tensor

/// Logits and losses from `workspace.normalised`, in chunks of rows so that not all logits exist at once.
extension Decoder {
    /// Logits in a chunk: enough rows for efficient products, few enough to stay near the caches.
    private var chunkRows: Int { max(256, (1 << 17) / configuration.vocabularySize) }

    /// Logits of rows from `firstRow`, `[rows, vocabulary]`.
    func headLogits(firstRow: Int, rows: Int, _ pass: Pass) -> [Float] {
        let count = rows * configuration.vocabularySize
        return [Float](unsafeUninitializedCapacity: count) { target, initialized in
            if let base = target.baseAddress { headForward(firstRow: firstRow, rows: rows, into: base, pass) }
            initialized = count
        }
    }

    /// The mean loss of each block, `[blocks]`.
    ///
    /// With `gradientScale`, the gradient of the mean over targets times it goes back through the head: its input's to
    /// `workspace.stream`, `[N, C]`, and its own factors' to the adapter's gradient.
    func headLosses(_ batch: TokenBatch, _ pass: Pass, gradientScale: Float?) -> [Double] {
        let labels = Self.labels(batch)
        let losses = workspace.losses.reserve(pass.rows)
        let vocabulary = configuration.vocabularySize
        let hidden = configuration.hiddenSize
        let counts = batch.targetCounts
        let predictions = max(1, counts.reduce(0, +))
        if gradientScale != nil { _ = workspace.stream.reserve(pass.rows * hidden) }
        for firstRow in stride(from: 0, to: pass.rows, by: chunkRows) {
            let rows = min(chunkRows, pass.rows - firstRow)
            let logits = workspace.logits.reserve(rows * vocabulary)
            headForward(firstRow: firstRow, rows: rows, into: logits, pass)
            labels.withUnsafeBufferPointer { labels in
                guard let base = labels.baseAddress else { return }
                shoal_cross_entropy(
                    logits, base + firstRow, losses + firstRow, rows, vocabulary, gradientScale != nil,
                    (gradientScale ?? 0) / Float(predictions))
            }
            if gradientScale != nil { headBackward(firstRow: firstRow, rows: rows, logits, pass) }
        }
        return (0..<batch.blocks).map { block in
            let row = UnsafeBufferPointer(start: losses + block * batch.length, count: batch.length)
            return row.reduce(0) { $0 + Double($1) } / Double(max(1, counts[block]))
        }
    }

    private func headForward(firstRow: Int, rows: Int, into logits: UnsafeMutablePointer<Float>, _ pass: Pass) {
        adaptedForward(
            weights.head, position: headPosition, workspace.normalised.values + firstRow * configuration.hiddenSize,
            rows: rows, firstRow: firstRow, into: logits, pass)
    }

    private func headBackward(firstRow: Int, rows: Int, _ gradient: UnsafePointer<Float>, _ pass: Pass) {
        let offset = firstRow * configuration.hiddenSize
        let target = lowestAdaptedLayer(pass) < configuration.layerCount ? workspace.stream.values + offset : nil
        adaptedBackward(
            weights.head, position: headPosition, outputGradient: gradient, rows: rows, firstRow: firstRow,
            into: target, accumulate: false, pass)
        addFactorGradients(
            weights.head, position: headPosition, input: workspace.normalised.values + offset,
            outputGradient: gradient, rows: rows, firstRow: firstRow, pass)
    }

    /// The next token of each position where it counts; negative elsewhere and at a block's end.
    private static func labels(_ batch: TokenBatch) -> [Int32] {
        var labels = [Int32](repeating: -1, count: batch.tokens.count)
        for block in 0..<batch.blocks {
            for index in 1..<batch.length {
                labels[block * batch.length + index - 1] = batch.labels[block * batch.length + index]
            }
        }
        return labels
    }
}
