import CKernels
import Foundation
import Tensor
import Testing

@Suite("Vector kernels")
struct VectorKernelTests {
    @Test("The exponential is accurate to 1e-6 everywhere", arguments: KernelLevel.supported)
    func exponential(_ level: KernelLevel) {
        let x = (0...40_001).map { -87.2 + Float($0) * (175.2 / 40_001) }
        var out = x
        level.whileInUse { shoal_exp(x, &out, x.count) }
        let worst = zip(out, Naive.exponential(x)).map { abs(Double($0) - $1) / $1 }.max() ?? 1
        #expect(worst < 1e-6)
        var extremes: [Float] = [-1000, -.infinity, 0, 1000]
        level.whileInUse { shoal_exp(extremes, &extremes, 4) }
        #expect(extremes[0...2] == [0, 0, 1])
        #expect(extremes[3].isFinite && extremes[3] > 1e38)
    }

    @Test("Sums of squares and scalar products are exact to double rounding and alike at every level")
    func norms() {
        var values = TestValues(3)
        for count in [0, 1, 7, 8, 1003] {
            let (x, y) = (values.next(count), values.next(count))
            let expected = zip(x, y).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            let products = KernelLevel.supported.map { $0.whileInUse { VectorKernels.dot(x, y) } }
            #expect(Set(products).count == 1)
            #expect(abs(products[0] - expected) < 1e-12 * Double(count + 1))
            #expect(VectorKernels.squaredNorm(x) == VectorKernels.dot(x, x))
        }
    }

    @Test("Scaling and adding", arguments: [0, 1, 15, 16, 33], KernelLevel.supported)
    func linear(_ count: Int, _ level: KernelLevel) {
        var values = TestValues(4)
        let x = values.next(count)
        var y = values.next(count)
        let expected = zip(x, y).map { 2 * (Double($1) + 0.5 * Double($0)) }
        level.whileInUse {
            VectorKernels.addScaled(x, by: 0.5, to: &y)
            VectorKernels.scale(&y, by: 2)
        }
        #expect(y.error(from: expected) < 1e-6)
    }

    @Test("Three AdamW steps", arguments: [1, 16, 37], KernelLevel.supported)
    func adamW(_ count: Int, _ level: KernelLevel) {
        var values = TestValues(5)
        var parameters = values.next(count)
        var (first, second) = ([Float](repeating: 0, count: count), [Float](repeating: 0, count: count))
        var expected = parameters.doubles
        var (m, v) = (first.doubles, second.doubles)
        for step in 1...3 {
            let gradient = values.next(count)
            level.whileInUse {
                VectorKernels.adamWStep(
                    values: &parameters, gradient: gradient, firstMoment: &first, secondMoment: &second, step: step,
                    learningRate: 0.01, weightDecay: 0.1)
            }
            for index in 0..<count {
                let g = Double(gradient[index])
                m[index] = 0.9 * m[index] + 0.1 * g
                v[index] = 0.999 * v[index] + 0.001 * g * g
                let (mean, square) = (
                    m[index] / (1 - pow(0.9, Double(step))), v[index] / (1 - pow(0.999, Double(step)))
                )
                expected[index] -= 0.01 * 0.1 * expected[index] + 0.01 * mean / (square.squareRoot() + 1e-8)
            }
        }
        #expect(parameters.error(from: expected) < 1e-5)
    }

    @Test("A transposed addition")
    func transposedAddition() {
        var y: [Float] = [0, 10, 20, 30, 40, 50]
        shoal_add_transposed([1, 2, 3, 4, 5, 6], &y, 2, 3)
        #expect(y == [1, 14, 22, 35, 43, 56])
    }

    @Test("Kernels give the same bits on one thread and on two")
    func threads() {
        var values = TestValues(6)
        let count = 300_000
        let (gate, up) = (values.next(count), values.next(count))
        var shape = shoal_gate(activation: SHOAL_SILU, rows: 100, columns: 3000, stride: 3000)
        KernelLevel.current.whileInUse {
            var results: [[Float]] = []
            for threads in [2, 1] {
                Threads.limit(to: threads)
                var out = gate
                shoal_gate_forward(SHOAL_FLOAT32, &shape, gate, up, &out)
                results.append(out)
            }
            #expect(results[0] == results[1])
        }
    }
}
