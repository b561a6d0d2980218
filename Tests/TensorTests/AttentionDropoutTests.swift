import CKernels
import Tensor
import Testing

@Suite("Dropout of attention's weights", .serialized)
struct AttentionDropoutTests {
    /// 40 keys whose values are the unit vectors: an output row is the query's row of weights.
    private static func call(probability: Float, key: UInt64 = 3) -> AttentionCall {
        let count = 40
        let given = Naive.Attention(
            queries: [count, 23], keys: [count, 23], heads: 2, keyHeads: 2, headSize: count, causal: false)
        var call = AttentionCall(given, SHOAL_FLOAT32)
        for index in call.v.indices {
            let token = index / (2 * count) % count
            call.v[index] = index % count == token ? 1 : 0
        }
        call.dropout = (probability, key)
        return call
    }

    @Test("A weight is either dropped or scaled up, as often as the probability says", arguments: KernelLevel.supported)
    func masks(_ level: KernelLevel) {
        let (whole, dropped) = level.whileInUse {
            (Self.call(probability: 0).forward().out, Self.call(probability: 0.25).forward().out)
        }
        var drops = 0
        var seen = 0
        for (weight, kept) in zip(whole, dropped) where weight > 0 {
            seen += 1
            if kept == 0 { drops += 1 } else { #expect(abs(kept - weight / 0.75) < 1e-5 * weight / 0.75 + 1e-8) }
        }
        #expect(seen == 2 * (40 * 40 + 23 * 23))
        // Five standard deviations.
        let expected = 0.25 * Double(seen)
        #expect(abs(Double(drops) - expected) < 5 * (expected * 0.75).squareRoot())
    }

    @Test("Every level draws the same mask; another key another one")
    func levels() {
        let masks = KernelLevel.supported.map { level in
            level.whileInUse { Self.call(probability: 0.1).forward().out.map { $0 == 0 } }
        }
        for mask in masks { #expect(mask == masks[0]) }
        let other = Self.call(probability: 0.1, key: 4).forward().out.map { $0 == 0 }
        #expect(other != masks[0])
    }

    @Test("bfloat16 drops what float32 drops, forward and backward", arguments: KernelLevel.supported)
    func types(_ level: KernelLevel) {
        for given in [
            Naive.Attention(queries: 70, keys: 70, heads: 2, keyHeads: 1, headSize: 10),
            Naive.Attention(
                queries: [45, 19], keys: [45, 19], heads: 2, keyHeads: 2, headSize: 24, causal: false),
            Naive.Attention(queries: 9, keys: 42, heads: 2, keyHeads: 1, headSize: 8, window: 12),
        ] {
            var short = AttentionCall(given, SHOAL_BFLOAT16)
            short.dropout = (0.3, 5)
            // The same numbers, which float32 holds exactly.
            let long = short.with(SHOAL_FLOAT32)
            level.whileInUse {
                #expect(short.forward().out.error(from: long.forward().out.doubles) < 4e-3)
                let (found, expected) = (short.backward(), long.backward())
                #expect(found.q.error(from: expected.q.doubles) < 1.2e-2)
                #expect(found.k.error(from: expected.k.doubles) < 1.2e-2)
                #expect(found.v.error(from: expected.v.doubles) < 1.2e-2)
            }
        }
    }

    @Test("Backward is the derivative of the same mask", arguments: KernelLevel.supported)
    func backward(_ level: KernelLevel) {
        // Several tiles, two parts of the backward pass, causal and not.
        for given in [
            Naive.Attention(
                queries: [70, 61], keys: [70, 61], heads: 2, keyHeads: 1, headSize: 8, causal: false),
            Naive.Attention(blocks: 1, queries: 530, keys: 530, heads: 1, keyHeads: 1, headSize: 4),
        ] {
            var call = AttentionCall(given, SHOAL_FLOAT32)
            call.dropout = (0.3, 11)
            let (q, k, v) = level.whileInUse { call.backward() }
            let loss = { (call: AttentionCall) in
                zip(call.forward().out, call.seed).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            }
            for (path, gradient) in [(\AttentionCall.q, q), (\AttentionCall.k, k), (\AttentionCall.v, v)] {
                // Along the gradient itself, where the difference is far above float32's rounding.
                let length = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
                let step = 2e-2 / length
                var (up, down) = (call, call)
                for index in gradient.indices {
                    up[keyPath: path][index] += Float(step) * gradient[index]
                    down[keyPath: path][index] -= Float(step) * gradient[index]
                }
                let slope = level.whileInUse { (loss(up) - loss(down)) / (2 * step) }
                #expect(abs(slope / (length * length) - 1) < 5e-3)
            }
        }
    }
}
