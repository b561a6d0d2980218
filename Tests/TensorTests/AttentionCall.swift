import CKernels

/// One attention problem with reproducible inputs, that the kernels take as either type and in either layout.
struct AttentionCall {
    let given: Naive.Attention
    private(set) var type: shoal_type
    /// Already rounded to the type, so that a kernel's inputs are these exactly.
    var q: [Float]
    var k: [Float]
    var v: [Float]
    var seed: [Float]
    /// Whether q, k and v lie side by side in one row a token, with a gap after it.
    var isFused = false
    var dropout: (probability: Float, key: UInt64) = (0, 0)

    init(_ given: Naive.Attention, _ type: shoal_type) {
        var values = TestValues(UInt64(given.headSize))
        let queries = given.queryRows * given.heads * given.headSize
        let keys = given.keyRows * given.keyHeads * given.headSize
        func next(_ count: Int) -> [Float] { TypedValues(values.next(count), type).floats }
        self.given = given
        self.type = type
        (q, k, v, seed) = (next(queries), next(keys), next(keys), next(queries))
    }

    /// The same numbers as another type, which must hold them exactly.
    func with(_ type: shoal_type) -> AttentionCall {
        var result = self
        result.type = type
        return result
    }

    func forward() -> (out: [Float], lse: [Float]) {
        let run = run(backward: false)
        return (run.out, run.lse)
    }

    func backward() -> (q: [Float], k: [Float], v: [Float]) {
        let run = run(backward: true)
        return (run.dq, run.dk, run.dv)
    }

    private var queryWidth: Int { given.heads * given.headSize }
    private var keyWidth: Int { given.keyHeads * given.headSize }

    private func run(
        backward: Bool
    ) -> (out: [Float], lse: [Float], dq: [Float], dk: [Float], dv: [Float]) {
        let stride = isFused ? queryWidth + 2 * keyWidth + 3 : 0
        let starts =
            isFused ? (q: 0, k: queryWidth, v: queryWidth + keyWidth) : (q: 0, k: q.count, v: q.count + k.count)
        let (queryStride, keyStride) = isFused ? (stride, stride) : (queryWidth, keyWidth)
        let outStride = isFused ? queryWidth + 5 : queryWidth
        let count = isFused ? given.queryRows * stride : q.count + 2 * k.count
        let rows = (q: given.queryRows, k: given.keyRows)
        var flat = [Float](repeating: .nan, count: count)
        flat.place(q, width: queryWidth, start: starts.q, stride: queryStride)
        flat.place(k, width: keyWidth, start: starts.k, stride: keyStride)
        flat.place(v, width: keyWidth, start: starts.v, stride: keyStride)
        var flatSeed = [Float](repeating: .nan, count: rows.q * outStride)
        flatSeed.place(seed, width: queryWidth, start: 0, stride: outStride)

        let inputs = TypedValues(flat, type)
        let seeds = TypedValues(flatSeed, type)
        var out = TypedValues([Float](repeating: .nan, count: flatSeed.count), type)
        var gradients = TypedValues([Float](repeating: .nan, count: count), type)
        var lse = [Float](repeating: .nan, count: given.queryRows * given.heads)
        let size = type == SHOAL_FLOAT32 ? 4 : 2
        withStarts { queryStarts, keyStarts in
            var shape = shoal_attention_shape(
                blocks: given.blocks, query_starts: queryStarts, key_starts: keyStarts, heads: given.heads,
                key_heads: given.keyHeads, head_size: given.headSize, query_stride: queryStride, key_stride: keyStride,
                value_stride: keyStride, out_stride: outStride, window: given.window, causal: given.causal,
                scale: 1 / Float(given.headSize).squareRoot(),
                dropout_probability: dropout.probability, dropout_stream: 7, dropout_key: dropout.key)
            inputs.bytes.withUnsafeBytes { inputs in
                let q = inputs.baseAddress.map { $0 + starts.q * size }
                let k = inputs.baseAddress.map { $0 + starts.k * size }
                let v = inputs.baseAddress.map { $0 + starts.v * size }
                var scratch = [Float](repeating: .nan, count: shoal_attention_scratch(&shape, false))
                shoal_attention_forward(type, q, k, v, &out.bytes, &lse, &scratch, &shape)
                guard backward else { return }
                scratch = [Float](repeating: .nan, count: shoal_attention_scratch(&shape, true))
                gradients.bytes.withUnsafeMutableBytes { gradients in
                    let dq = gradients.baseAddress.map { $0 + starts.q * size }
                    let dk = gradients.baseAddress.map { $0 + starts.k * size }
                    let dv = gradients.baseAddress.map { $0 + starts.v * size }
                    shoal_attention_backward(
                        type, q, k, v, out.bytes, lse, seeds.bytes, &scratch, dq, dk, dv, &shape)
                }
            }
        }
        let found = gradients.floats
        return (
            out.floats.rows(rows.q, width: queryWidth, start: 0, stride: outStride), lse,
            found.rows(rows.q, width: queryWidth, start: starts.q, stride: queryStride),
            found.rows(rows.k, width: keyWidth, start: starts.k, stride: keyStride),
            found.rows(rows.k, width: keyWidth, start: starts.v, stride: keyStride)
        )
    }

    private func withStarts(_ body: (_ queries: UnsafePointer<Int32>?, _ keys: UnsafePointer<Int32>?) -> Void) {
        let starts = [given.queries, given.keys].map { counts in
            counts.reduce(into: [Int32(0)]) { $0.append($0[$0.count - 1] + Int32($1)) }
        }
        starts[0].withUnsafeBufferPointer { queries in
            starts[1].withUnsafeBufferPointer { keys in body(queries.baseAddress, keys.baseAddress) }
        }
    }
}
