import CKernels
import Foundation
import Tensor
import Testing

@Suite("Normalisation, rotation, gate, loss and dropout kernels")
struct LayerKernelTests {
    @Test("RMS normalisation and its derivative", arguments: [1, 5, 16, 64, 75], KernelLevel.supported)
    func normalisation(_ width: Int, _ level: KernelLevel) {
        let rows = 3
        var values = TestValues(UInt64(width))
        let (x, weight, seed) = (values.next(rows * width), values.next(width), values.next(rows * width))
        let added = values.next(rows * width)
        var (out, rstd) = ([Float](repeating: .nan, count: x.count), [Float](repeating: .nan, count: rows))
        var (again, dx, sum) = (out, added, added)
        level.whileInUse {
            shoal_rmsnorm_forward(x, weight, &out, &rstd, rows, width, 1e-3)
            shoal_rmsnorm_repeat(x, weight, rstd, &again, rows, width)
            shoal_rmsnorm_backward(seed, x, weight, rstd, &dx, rows, width, true)
        }
        func expected(_ x: [Double]) -> [Double] { Naive.rmsNorm(x, weight: weight.doubles, epsilon: 1e-3) }
        #expect(out.error(from: expected(x.doubles)) < 1e-5)
        #expect(again == out)
        let gradient = Naive.gradient(x.doubles, seed: seed.doubles, expected)
        #expect(dx.error(from: zip(gradient, added).map { $0 + Double($1) }) < 1e-4)
        level.whileInUse { shoal_residual_rmsnorm_forward(x, &sum, weight, &out, &rstd, rows, width, 1e-3) }
        #expect(sum == zip(x, added).map { $1 + $0 })
        #expect(out.error(from: expected(sum.doubles)) < 1e-5)
    }

    @Test("Rotation by position, and back", arguments: [2, 6, 8, 12, 40, 64], KernelLevel.supported)
    func rotary(_ headSize: Int, _ level: KernelLevel) {
        let (blocks, length, heads, start) = (2, 7, 3, 4)
        var values = TestValues(UInt64(headSize))
        let x = values.next(blocks * length * heads * headSize)
        let half = headSize / 2
        let angles = (0..<(start + length) * half).map {
            Double($0 / half) * pow(100, -2 * Double($0 % half) / Double(headSize))
        }
        let (cosine, sine) = (angles.map { Float(cos($0)) }, angles.map { Float(sin($0)) })
        var turned = x
        level.whileInUse { shoal_rotary_forward(&turned, cosine, sine, blocks, length, heads, headSize, start) }
        let expected = Naive.rotary(x.doubles, length: length, heads: heads, headSize: headSize, start: start)
        #expect(turned.error(from: expected) < 1e-5)
        level.whileInUse { shoal_rotary_backward(&turned, cosine, sine, blocks, length, heads, headSize, start) }
        #expect(turned.error(from: x.doubles) < 1e-5)
    }

    @Test("The gated unit and its derivative", arguments: [1, 7, 16, 100], KernelLevel.supported)
    func swiglu(_ count: Int, _ level: KernelLevel) {
        var values = TestValues(UInt64(count))
        let (gate, up, seed) = (values.next(count, scale: 3), values.next(count), values.next(count))
        var out = [Float](repeating: .nan, count: count)
        var (again, dgate, dup) = (out, out, out)
        level.whileInUse {
            shoal_swiglu_forward(gate, up, &out, count)
            shoal_swiglu_backward(seed, gate, up, &dgate, &dup, &again, count)
        }
        #expect(out.error(from: Naive.swiglu(gate: gate.doubles, up: up.doubles)) < 1e-6)
        #expect(again.error(from: out.doubles) < 1e-6)
        let byGate = Naive.gradient(gate.doubles, seed: seed.doubles) { Naive.swiglu(gate: $0, up: up.doubles) }
        let byUp = Naive.gradient(up.doubles, seed: seed.doubles) { Naive.swiglu(gate: gate.doubles, up: $0) }
        #expect(dgate.error(from: byGate) < 1e-5)
        #expect(dup.error(from: byUp) < 1e-5)
    }

    @Test("Cross-entropy, its derivative, and rows without a label", arguments: [1, 3, 16, 53], KernelLevel.supported)
    func crossEntropy(_ width: Int, _ level: KernelLevel) {
        let labels: [Int32] = [0, -1, Int32(width - 1), Int32(width / 2)]
        var values = TestValues(UInt64(width))
        let logits = values.next(labels.count * width, scale: 5)
        var losses = [Float](repeating: .nan, count: labels.count)
        var untouched = logits
        var gradient = logits
        level.whileInUse {
            shoal_cross_entropy(&untouched, labels, &losses, labels.count, width, false, 0)
            shoal_cross_entropy(&gradient, labels, &losses, labels.count, width, true, 0.5)
        }
        func expected(_ logits: [Double]) -> [Double] { Naive.crossEntropy(logits, labels: labels, width: width) }
        #expect(untouched == logits)
        #expect(losses.error(from: expected(logits.doubles)) < 1e-6)
        let seed = [Double](repeating: 0.5, count: labels.count)
        #expect(gradient.error(from: Naive.gradient(logits.doubles, seed: seed, expected)) < 1e-6)
    }

    @Test(
        "Dropout draws each element's mask from its own counter", arguments: [1, 63, 64, 1000], KernelLevel.supported)
    func dropout(_ count: Int, _ level: KernelLevel) {
        var values = TestValues(UInt64(count))
        let (x, base) = (values.next(count), values.next(count))
        let (key, stream): (UInt64, UInt32) = (0x0123_4567_89AB_CDEF, 77)
        var (out, sum) = ([Float](repeating: .nan, count: count), base)
        level.whileInUse {
            shoal_dropout_forward(x, &out, count, 0.25, key, stream)
            shoal_dropout_backward(x, &sum, count, 0.25, key, stream)
        }
        let expected = x.indices.map { index -> Double in
            let words = Naive.philox([UInt32(index / 64 * 16 + index % 16), 0, stream, 0], key: key)
            return words[index / 16 % 4] >= 1 << 30 ? Double(x[index]) / 0.75 : 0
        }
        #expect(out.error(from: expected) < 1e-6)
        #expect(sum.error(from: zip(expected, base).map { $0 + Double($1) }) < 1e-6)
    }
}
