import CKernels
import Tensor
import Testing

@Suite("Attention kernels")
struct AttentionTests {
    /// Odd and even head sizes, lengths around the tiles' edges, every kind of grouping, earlier keys.
    static let cases: [Naive.Attention] = [
        .init(queries: 5, keys: 5, heads: 2, keyHeads: 2, headSize: 6),
        .init(queries: 17, keys: 17, heads: 4, keyHeads: 2, headSize: 8),
        .init(queries: 35, keys: 35, heads: 3, keyHeads: 1, headSize: 12),
        .init(queries: 16, keys: 16, heads: 2, keyHeads: 1, headSize: 24),
        .init(blocks: 1, queries: 130, keys: 130, heads: 1, keyHeads: 1, headSize: 5),
        .init(blocks: 1, queries: 33, keys: 33, heads: 2, keyHeads: 1, headSize: 64),
    ]

    func shape(_ given: Naive.Attention) -> shoal_attention_shape {
        shoal_attention_shape(
            blocks: given.blocks, queries: given.queries, keys: given.keys, heads: given.heads,
            key_heads: given.keyHeads, head_size: given.headSize, scale: 1 / Float(given.headSize).squareRoot())
    }

    func inputs(_ given: Naive.Attention) -> (q: [Float], k: [Float], v: [Float], seed: [Float]) {
        var values = TestValues(UInt64(given.headSize))
        let width = given.heads * given.headSize
        let keyWidth = given.keyHeads * given.headSize
        return (
            values.next(given.blocks * given.queries * width), values.next(given.blocks * given.keys * keyWidth),
            values.next(given.blocks * given.keys * keyWidth), values.next(given.blocks * given.queries * width)
        )
    }

    @Test("Forward is a masked softmax", arguments: cases, KernelLevel.supported)
    func forward(_ given: Naive.Attention, _ level: KernelLevel) {
        let (q, k, v, _) = inputs(given)
        var out = [Float](repeating: .nan, count: q.count)
        var shape = shape(given)
        level.whileInUse { shoal_attention_forward(q, k, v, &out, nil, &shape) }
        #expect(out.error(from: given.forward(q.doubles, k.doubles, v.doubles)) < 1e-5)
    }

    @Test("Queries see all earlier keys", arguments: [(1, 1), (1, 40), (7, 64), (20, 81)], KernelLevel.supported)
    func earlierKeys(_ counts: (queries: Int, keys: Int), _ level: KernelLevel) {
        let given = Naive.Attention(queries: counts.queries, keys: counts.keys, heads: 4, keyHeads: 2, headSize: 10)
        let (q, k, v, _) = inputs(given)
        var out = [Float](repeating: .nan, count: q.count)
        var shape = shape(given)
        level.whileInUse { shoal_attention_forward(q, k, v, &out, nil, &shape) }
        #expect(out.error(from: given.forward(q.doubles, k.doubles, v.doubles)) < 1e-5)
    }

    @Test("Large scores stay finite", arguments: KernelLevel.supported)
    func largeScores(_ level: KernelLevel) {
        let given = Naive.Attention(queries: 20, keys: 20, heads: 1, keyHeads: 1, headSize: 8)
        var (q, k, v, _) = inputs(given)
        for index in q.indices { q[index] *= 100 }
        for index in k.indices { k[index] *= 100 }
        v[0] = 3
        var out = [Float](repeating: .nan, count: q.count)
        var shape = shape(given)
        level.whileInUse { shoal_attention_forward(q, k, v, &out, nil, &shape) }
        #expect(out.error(from: given.forward(q.doubles, k.doubles, v.doubles)) < 1e-2)
    }

    /// Two directions instead of one per number keep the finite differences affordable.
    @Test("Backward is the derivative", arguments: cases, KernelLevel.supported)
    func backward(_ given: Naive.Attention, _ level: KernelLevel) {
        let (q, k, v, seed) = inputs(given)
        var out = [Float](repeating: 0, count: q.count)
        var lse = [Float](repeating: 0, count: given.blocks * given.heads * given.queries)
        var scratch = [Float](repeating: .nan, count: 0)
        var (dq, dk, dv) = (
            [Float](repeating: .nan, count: q.count), [Float](repeating: .nan, count: k.count),
            [Float](repeating: .nan, count: v.count)
        )
        var shape = shape(given)
        scratch = [Float](repeating: .nan, count: shoal_attention_backward_scratch(&shape))
        level.whileInUse {
            shoal_attention_forward(q, k, v, &out, &lse, &shape)
            shoal_attention_backward(q, k, v, out, lse, seed, &scratch, &dq, &dk, &dv, &shape)
        }
        var values = TestValues(9)
        for _ in 0..<3 {
            let direction = (q: values.next(q.count), k: values.next(k.count), v: values.next(v.count))
            func along(_ step: Double) -> Double {
                let moved = given.forward(
                    zip(q, direction.q).map { Double($0) + step * Double($1) },
                    zip(k, direction.k).map { Double($0) + step * Double($1) },
                    zip(v, direction.v).map { Double($0) + step * Double($1) })
                return zip(moved, seed).reduce(0) { $0 + $1.0 * Double($1.1) }
            }
            let expected = (along(1e-5) - along(-1e-5)) / 2e-5
            let actual = dot(dq, direction.q) + dot(dk, direction.k) + dot(dv, direction.v)
            let size = (dot(dq, dq) + dot(dk, dk) + dot(dv, dv)).squareRoot()
            #expect(abs(actual - expected) < 1e-4 * size)
        }
    }

    private func dot(_ left: [Float], _ right: [Float]) -> Double {
        zip(left, right).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
}
