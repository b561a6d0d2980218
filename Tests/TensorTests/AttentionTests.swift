import CKernels
import Tensor
import Testing

@Suite("Attention kernels", .serialized)
struct AttentionTests {
    /// Odd and even head sizes, lengths around the tiles' edges, every kind of grouping, windows, blocks of
    /// several lengths.
    static let cases: [Naive.Attention] = [
        .init(queries: 1, keys: 1, heads: 1, keyHeads: 1, headSize: 4),
        .init(queries: 5, keys: 5, heads: 2, keyHeads: 2, headSize: 6),
        .init(queries: 17, keys: 17, heads: 4, keyHeads: 2, headSize: 8),
        .init(queries: 35, keys: 35, heads: 3, keyHeads: 1, headSize: 12),
        .init(blocks: 1, queries: 130, keys: 130, heads: 1, keyHeads: 1, headSize: 5),
        .init(blocks: 1, queries: 69, keys: 69, heads: 3, keyHeads: 1, headSize: 64),
        .init(blocks: 1, queries: 301, keys: 301, heads: 2, keyHeads: 1, headSize: 16),
        .init(blocks: 1, queries: 1030, keys: 1030, heads: 2, keyHeads: 1, headSize: 4),
        .init(blocks: 1, queries: 1030, keys: 1030, heads: 1, keyHeads: 1, headSize: 4, window: 300),
        .init(queries: [600, 3, 520], keys: [600, 3, 520], heads: 1, keyHeads: 1, headSize: 4, causal: false),
        .init(blocks: 1, queries: 33, keys: 33, heads: 1, keyHeads: 1, headSize: 80),
        .init(blocks: 1, queries: 23, keys: 23, heads: 1, keyHeads: 1, headSize: 256),
        .init(queries: 75, keys: 75, heads: 2, keyHeads: 1, headSize: 8, window: 1),
        .init(queries: 150, keys: 150, heads: 2, keyHeads: 1, headSize: 10, window: 19),
        .init(queries: 66, keys: 66, heads: 2, keyHeads: 2, headSize: 8, window: 100),
        .init(queries: 67, keys: 67, heads: 2, keyHeads: 1, headSize: 12, causal: false),
        .init(
            queries: [31, 83, 1, 0, 24], keys: [31, 83, 1, 0, 24], heads: 2, keyHeads: 1, headSize: 8, causal: false),
        .init(queries: [64, 90, 37], keys: [64, 90, 37], heads: 4, keyHeads: 2, headSize: 8),
        .init(queries: [64, 11], keys: [64, 11], heads: 2, keyHeads: 1, headSize: 8, window: 21),
        .init(queries: [1, 1, 1], keys: [25, 70, 1], heads: 3, keyHeads: 3, headSize: 12, causal: false),
        .init(queries: [3, 0, 40], keys: [9, 5, 72], heads: 2, keyHeads: 1, headSize: 8),
        .init(queries: 9, keys: 40, heads: 2, keyHeads: 1, headSize: 8, window: 12),
        .init(queries: 20, keys: 81, heads: 4, keyHeads: 2, headSize: 10),
    ]

    /// bfloat16 results carry a rounding of 2^-9; the sums behind a gradient's parts are rounded once more (`out`). Where
    /// the processor multiplies bfloat16 pairs, each weight and each score's gradient carries one too; they lean either
    /// way, so that their sums stay within the same bounds.
    static let types: [(type: shoal_type, forward: Double, backward: Double)] = [
        (SHOAL_FLOAT32, 1e-5, 3e-5), (SHOAL_BFLOAT16, 4e-3, 1.2e-2),
    ]

    @Test("Forward is a masked softmax", arguments: cases, KernelLevel.supported)
    func forward(_ given: Naive.Attention, _ level: KernelLevel) {
        for (type, tolerance, _) in Self.types {
            let call = AttentionCall(given, type)
            let (out, _) = level.whileInUse { call.forward() }
            #expect(out.error(from: given.forward(call.q.doubles, call.k.doubles, call.v.doubles)) < tolerance)
        }
    }

    @Test("Queries see all earlier keys", arguments: [(1, 1), (1, 40), (7, 64), (20, 81)], KernelLevel.supported)
    func earlierKeys(_ counts: (queries: Int, keys: Int), _ level: KernelLevel) {
        let given = Naive.Attention(queries: counts.queries, keys: counts.keys, heads: 4, keyHeads: 2, headSize: 10)
        let call = AttentionCall(given, SHOAL_FLOAT32)
        let (out, _) = level.whileInUse { call.forward() }
        #expect(out.error(from: given.forward(call.q.doubles, call.k.doubles, call.v.doubles)) < 1e-5)
    }

    @Test("Backward is the derivative", arguments: cases, KernelLevel.supported)
    func backward(_ given: Naive.Attention, _ level: KernelLevel) {
        for (type, _, tolerance) in Self.types {
            let call = AttentionCall(given, type)
            let actual = level.whileInUse { call.backward() }
            let expected = given.gradients(
                call.q.doubles, call.k.doubles, call.v.doubles, seed: call.seed.doubles)
            #expect(actual.q.error(from: expected.q) < tolerance)
            #expect(actual.k.error(from: expected.k) < tolerance)
            #expect(actual.v.error(from: expected.v) < tolerance)
        }
    }

    @Test(
        "The naive derivative agrees with finite differences",
        arguments: [
            Naive.Attention(blocks: 1, queries: 4, keys: 4, heads: 2, keyHeads: 1, headSize: 2),
            Naive.Attention(blocks: 1, queries: 5, keys: 5, heads: 1, keyHeads: 1, headSize: 2, window: 2),
            Naive.Attention(queries: [3, 1], keys: [3, 2], heads: 1, keyHeads: 1, headSize: 2, causal: false),
        ])
    func finiteDifferences(_ given: Naive.Attention) {
        let call = AttentionCall(given, SHOAL_FLOAT32)
        let (q, k, v, seed) = (call.q.doubles, call.k.doubles, call.v.doubles, call.seed.doubles)
        let expected = given.gradients(q, k, v, seed: seed)
        func differ(_ left: [Double], _ right: [Double]) -> Double {
            zip(left, right).map { abs($0 - $1) }.max() ?? .infinity
        }
        #expect(differ(Naive.gradient(q, seed: seed) { given.forward($0, k, v) }, expected.q) < 1e-8)
        #expect(differ(Naive.gradient(k, seed: seed) { given.forward(q, $0, v) }, expected.k) < 1e-8)
        #expect(differ(Naive.gradient(v, seed: seed) { given.forward(q, k, $0) }, expected.v) < 1e-8)
    }

    @Test("Rows may lie apart and hold queries, keys and values together", arguments: KernelLevel.supported)
    func fusedRows(_ level: KernelLevel) {
        let given = Naive.Attention(queries: 37, keys: 37, heads: 4, keyHeads: 2, headSize: 6)
        for (type, _, _) in Self.types {
            let apart = AttentionCall(given, type)
            var fused = apart
            fused.isFused = true
            level.whileInUse {
                #expect(apart.forward().out == fused.forward().out)
                let (expected, actual) = (apart.backward(), fused.backward())
                #expect(expected.q == actual.q)
                #expect(expected.k == actual.k)
                #expect(expected.v == actual.v)
            }
        }
    }

    @Test("Threads change no bit", arguments: KernelLevel.supported)
    func threads(_ level: KernelLevel) {
        for (blocks, type) in [(1, SHOAL_FLOAT32), (2, SHOAL_FLOAT32), (1, SHOAL_BFLOAT16), (2, SHOAL_BFLOAT16)] {
            let given = Naive.Attention(blocks: blocks, queries: 600, keys: 600, heads: 9, keyHeads: 3, headSize: 16)
            let call = AttentionCall(given, type)
            let results = [1, 2, 3].map { threads in
                shoal_threads_limit(Int32(threads))
                defer { shoal_threads_limit(0) }
                return level.whileInUse { (call.forward(), call.backward()) }
            }
            for result in results.dropFirst() {
                #expect(result.0 == results[0].0)
                #expect(result.1 == results[0].1)
            }
        }
    }

    @Test("Large scores stay finite", arguments: KernelLevel.supported)
    func largeScores(_ level: KernelLevel) {
        let given = Naive.Attention(queries: 20, keys: 20, heads: 1, keyHeads: 1, headSize: 8)
        var call = AttentionCall(given, SHOAL_FLOAT32)
        for index in call.q.indices { call.q[index] *= 100 }
        for index in call.k.indices { call.k[index] *= 100 }
        call.v[0] = 3
        let (out, _) = level.whileInUse { call.forward() }
        #expect(out.error(from: given.forward(call.q.doubles, call.k.doubles, call.v.doubles)) < 1e-2)
    }

    @Test("A number that is none shows in what sees it, and not before", arguments: KernelLevel.supported)
    func notANumber(_ level: KernelLevel) {
        let given = Naive.Attention(blocks: 1, queries: 70, keys: 70, heads: 1, keyHeads: 1, headSize: 8)
        for (type, _, _) in Self.types {
            var call = AttentionCall(given, type)
            call.k[66 * 8] = .nan
            let (out, _) = level.whileInUse { call.forward() }
            for row in 0..<70 { #expect(out[row * 8].isNaN == (row >= 66)) }
        }
    }
}
