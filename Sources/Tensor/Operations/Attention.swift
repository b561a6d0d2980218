internal import CKernels

/// Which keys a query sees.
package struct AttentionMask {
    package let isCausal: Bool
    /// A query sees this many positions up to its own; `nil`: all.
    package let window: Int?
    /// Tokens of each block that are no padding; `nil`: all.
    package let lengths: [Int32]?

    package init(isCausal: Bool, window: Int? = nil, lengths: [Int32]? = nil) {
        self.isCausal = isCausal
        self.window = window
        self.lengths = lengths
    }
}

/// The sizes of one attention.
package struct AttentionShape {
    package let blocks: Int
    /// Query tokens a block.
    package let length: Int
    package let heads: Int
    package let keyHeads: Int
    package let headSize: Int
    /// The factor on each score.
    package let scale: Float

    package init(blocks: Int, length: Int, heads: Int, keyHeads: Int, headSize: Int, scale: Float) {
        self.blocks = blocks
        self.length = length
        self.heads = heads
        self.keyHeads = keyHeads
        self.headSize = headSize
        self.scale = scale
    }

    /// The largest head that the kernels take.
    package static var headSizeMax: Int { Int(SHOAL_ATTENTION_MAX_HEAD_SIZE) }

    fileprivate func kernel(
        keys: Int, strides: (query: Int, key: Int, value: Int, out: Int), _ mask: AttentionMask,
        lengths: UnsafePointer<Int32>?, dropout: Computation.Dropout? = nil, stream: UInt32 = 0
    ) -> shoal_attention_shape {
        shoal_attention_shape(
            blocks: blocks, queries: length, keys: keys, heads: heads, key_heads: keyHeads, head_size: headSize,
            query_stride: strides.query, key_stride: strides.key, value_stride: strides.value,
            out_stride: strides.out, window: mask.window ?? 0, causal: mask.isCausal, lengths: lengths, scale: scale,
            dropout_probability: dropout?.probability ?? 0, dropout_stream: stream, dropout_key: dropout?.key ?? 0)
    }
}

extension Computation {
    /// Grouped-query attention, tiled: no matrix of scores (arXiv:2205.14135).
    ///
    /// - Parameters:
    ///   - query: `[blocks · length, heads · headSize]`
    ///   - key: `[blocks · length, keyHeads · headSize]`, as `value`.
    ///   - dropout: Probability that a weight is dropped, in training only.
    /// - Returns: `[blocks · length, heads · headSize]`
    package func attend(
        _ query: Activation, _ key: Activation, _ value: Activation, _ shape: AttentionShape, _ mask: AttentionMask,
        dropout probability: Float = 0
    ) -> Activation {
        let dropout = probability > 0 ? modelDropoutKey.map { Dropout(probability: probability, key: $0) } : nil
        let stream = dropout == nil ? 0 : takeDropoutStream()
        let output = make(query.rows, query.columns, type, needsGradient: query.needsGradient)
        let logSumExp = output.needsGradient ? arena.take(query.rows * shape.heads * 4) : nil
        let strides = (query.stride, key.stride, value.stride, output.stride)
        let kernelType = type.kernelType
        withLengths(mask) { lengths in
            var kernel = shape.kernel(
                keys: shape.length, strides: strides, mask, lengths: lengths, dropout: dropout, stream: stream)
            let scratch = arena.take(shoal_attention_scratch(&kernel, false) * 4)
            shoal_attention_forward(
                kernelType, query.values, key.values, value.values, output.values, logSumExp?.floats, scratch.floats,
                &kernel)
        }
        guard let logSumExp else { return output }
        record { [self] in
            guard let gradient = output.gradient else { return }
            withLengths(mask) { lengths in
                var kernel = shape.kernel(
                    keys: shape.length, strides: strides, mask, lengths: lengths, dropout: dropout, stream: stream)
                let scratch = arena.take(shoal_attention_scratch(&kernel, true) * 4)
                let targets = [query, key, value].map { $0.gradientTarget(arena) }
                precondition(!targets.contains { $0.accumulates }, "queries, keys and values are read once")
                shoal_attention_backward(
                    kernelType, query.values, key.values, value.values, output.values, logSumExp.floats, gradient,
                    scratch.floats, targets[0].address, targets[1].address, targets[2].address, &kernel)
            }
        }
        return output
    }

    /// One block's queries against all keys and values that a cache holds, the queries' own last; float32.
    ///
    /// - Parameters:
    ///   - keys: `[count, keyHeads · headSize]`, as `values`.
    package func attend(
        _ query: Activation, keys: [Float], values: [Float], count: Int, _ shape: AttentionShape, _ mask: AttentionMask
    ) -> Activation {
        let width = shape.keyHeads * shape.headSize
        precondition(shape.blocks == 1 && keys.count == count * width, "a cache of one block")
        let rows = query.rows
        let wide = arena.take(rows * query.columns * 4)
        let result = arena.take(rows * query.columns * 4)
        for row in 0..<rows {
            shoal_convert(
                type.kernelType, query.values + row * query.stride * type.size, SHOAL_FLOAT32,
                wide.floats + row * query.columns, query.columns, 1)
        }
        var kernel = shape.kernel(
            keys: count, strides: (query.columns, width, width, query.columns), mask, lengths: nil)
        let scratch = arena.take(shoal_attention_scratch(&kernel, false) * 4)
        shoal_attention_forward(
            SHOAL_FLOAT32, wide.address, keys, values, result.address, nil, scratch.floats, &kernel)
        let output = make(rows, query.columns, type, needsGradient: false)
        shoal_convert(SHOAL_FLOAT32, result.address, type.kernelType, output.values, rows * query.columns, 1)
        return output
    }

    private func withLengths(_ mask: AttentionMask, _ body: (UnsafePointer<Int32>?) -> Void) {
        guard let lengths = mask.lengths else {
            body(nil)
            return
        }
        lengths.withUnsafeBufferPointer { body($0.baseAddress) }
    }
}
