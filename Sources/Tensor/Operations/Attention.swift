internal import CKernels

/// Which keys a query sees.
package struct AttentionMask {
    package let isCausal: Bool
    /// A query sees this many positions up to its own; `nil`: all.
    package let window: Int?

    package init(isCausal: Bool, window: Int? = nil) {
        self.isCausal = isCausal
        self.window = window
    }
}

/// The sizes of one attention.
package struct AttentionShape {
    /// Query tokens; a block's stand at the end of its keys.
    package let queries: RowBlocks
    /// Key tokens, of the same texts.
    package let keys: RowBlocks
    package let heads: Int
    package let keyHeads: Int
    package let headSize: Int
    /// The factor on each score.
    package let scale: Float

    /// - Precondition: As many blocks of queries as of keys, none longer than its keys.
    package init(
        queries: RowBlocks, keys: RowBlocks, heads: Int, keyHeads: Int, headSize: Int, scale: Float
    ) {
        precondition(
            queries.count == keys.count && (0..<keys.count).allSatisfy { queries[$0].count <= keys[$0].count },
            "more queries than keys")
        self.queries = queries
        self.keys = keys
        self.heads = heads
        self.keyHeads = keyHeads
        self.headSize = headSize
        self.scale = scale
    }

    /// The largest head that the kernels take.
    package static var headSizeMax: Int { Int(SHOAL_ATTENTION_MAX_HEAD_SIZE) }

    /// Valid for the length of `body`.
    fileprivate func withKernel(
        strides: (query: Int, key: Int, value: Int, out: Int), _ mask: AttentionMask,
        dropout: Computation.Dropout? = nil, stream: UInt32 = 0, _ body: (inout shoal_attention_shape) -> Void
    ) {
        queries.starts.withUnsafeBufferPointer { queryStarts in
            keys.starts.withUnsafeBufferPointer { keyStarts in
                var shape = shoal_attention_shape(
                    blocks: queries.count, query_starts: queryStarts.baseAddress, key_starts: keyStarts.baseAddress,
                    heads: heads, key_heads: keyHeads, head_size: headSize, query_stride: strides.query,
                    key_stride: strides.key, value_stride: strides.value, out_stride: strides.out,
                    window: mask.window ?? 0, causal: mask.isCausal, scale: scale,
                    dropout_probability: dropout?.probability ?? 0, dropout_stream: stream,
                    dropout_key: dropout?.key ?? 0)
                body(&shape)
            }
        }
    }
}

extension Computation {
    /// Grouped-query attention, tiled: no matrix of scores (arXiv:2205.14135).
    ///
    /// - Parameters:
    ///   - query: `[queries, heads · headSize]`
    ///   - key: `[keys, keyHeads · headSize]`, as `value`.
    ///   - dropout: Probability that a weight is dropped, in training only.
    /// - Returns: `[queries, heads · headSize]`
    package func attend(
        _ query: Activation, _ key: Activation, _ value: Activation, _ shape: AttentionShape, _ mask: AttentionMask,
        dropout probability: Float = 0
    ) -> Activation {
        precondition(query.rows == shape.queries.rows && key.rows == shape.keys.rows, "rows of other blocks")
        let dropout = probability > 0 ? modelDropoutKey.map { Dropout(probability: probability, key: $0) } : nil
        let stream = dropout == nil ? 0 : takeDropoutStream()
        let output = make(query.rows, query.columns, type, needsGradient: query.needsGradient)
        let logSumExp = output.needsGradient ? arena.take(query.rows * shape.heads * 4) : nil
        let strides = (query.stride, key.stride, value.stride, output.stride)
        let kernelType = type.kernelType
        shape.withKernel(strides: strides, mask, dropout: dropout, stream: stream) { kernel in
            let scratch = arena.take(shoal_attention_scratch(&kernel, false) * 4)
            shoal_attention_forward(
                kernelType, query.values, key.values, value.values, output.values, logSumExp?.floats, scratch.floats,
                &kernel)
        }
        guard let logSumExp else { return output }
        record { [self] in
            guard let gradient = output.gradient else { return }
            shape.withKernel(strides: strides, mask, dropout: dropout, stream: stream) { kernel in
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
    ///   - keys: `[keys, keyHeads · headSize]`, as `values`.
    package func attend(
        _ query: Activation, keys: [Float], values: [Float], _ shape: AttentionShape, _ mask: AttentionMask
    ) -> Activation {
        let width = shape.keyHeads * shape.headSize
        precondition(shape.keys.count == 1 && keys.count == shape.keys.rows * width, "a cache of one block")
        let rows = query.rows
        let wide = arena.take(rows * query.columns * 4)
        let result = arena.take(rows * query.columns * 4)
        for row in 0..<rows {
            shoal_convert(
                type.kernelType, query.values + row * query.stride * type.size, SHOAL_FLOAT32,
                wide.floats + row * query.columns, query.columns, 1)
        }
        shape.withKernel(strides: (query.columns, width, width, query.columns), mask) { kernel in
            let scratch = arena.take(shoal_attention_scratch(&kernel, false) * 4)
            shoal_attention_forward(
                SHOAL_FLOAT32, wide.address, keys, values, result.address, nil, scratch.floats, &kernel)
        }
        let output = make(rows, query.columns, type, needsGradient: false)
        shoal_convert(SHOAL_FLOAT32, result.address, type.kernelType, output.values, rows * query.columns, 1)
        return output
    }
}
