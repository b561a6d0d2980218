import CKernels
import Tensor
import Testing

@Suite("Normalisation kernels")
struct NormKernelTests {
    /// What a call gets and what it is asked for.
    struct Case {
        var input = SHOAL_FLOAT32
        var type = SHOAL_FLOAT32
        var isCentred = false
        var groups = 1
        var gap = 0
        var hasBias = false
        var hasDelta = false
        var wantsSum = false
        var keepsNormal = true
        var accumulates = false

        static let all: [Case] = {
            let types = [
                (SHOAL_FLOAT32, SHOAL_FLOAT32), (SHOAL_BFLOAT16, SHOAL_BFLOAT16), (SHOAL_FLOAT32, SHOAL_BFLOAT16),
            ]
            return types.flatMap { input, type in
                [false, true].flatMap { centred in
                    let plain = Case(input: input, type: type, isCentred: centred)
                    var (biased, heads, summed, passing, inference) = (plain, plain, plain, plain, plain)
                    biased.hasBias = true
                    heads.groups = 3
                    heads.gap = 7
                    heads.accumulates = true
                    summed.hasDelta = true
                    summed.wantsSum = true
                    summed.hasBias = centred
                    summed.accumulates = true
                    passing.hasDelta = true
                    inference.hasDelta = true
                    inference.wantsSum = true
                    inference.keepsNormal = false
                    return [plain, biased, heads, summed, passing, inference]
                }
            }
        }()
    }

    @Test("Forward, repeated and backward", arguments: [1, 5, 16, 64, 75], KernelLevel.supported)
    func pair(_ width: Int, _ level: KernelLevel) {
        for given in Case.all { check(given, width, level) }
    }

    private func check(_ given: Case, _ width: Int, _ level: KernelLevel) {
        let (tokens, epsilon) = (2, Float(0.01))
        let rows = tokens * given.groups
        let count = rows * width
        let (input, type) = (given.input, given.type)
        let rowWidth = given.groups * width
        let (xStride, outStride) = (rowWidth + given.gap, rowWidth + 2 * given.gap)
        var random = TestValues(UInt64(width))
        // Layer normalisation must not lose precision to a mean far from 0.
        let x = random.next(count).map { $0 + (given.isCentred ? 8 : 0) }.rounded(to: input)
        let delta = given.hasDelta ? random.next(count).rounded(to: type) : nil
        let (weight, bias) = (Vector(random.next(width)), given.hasBias ? Vector(random.next(width)) : nil)
        let (seed, added) = (random.next(count).rounded(to: type), random.next(count).rounded(to: input))
        var shape = shoal_norm(
            rows: rows, columns: width, groups: given.groups, x_stride: xStride, out_stride: outStride,
            centred: given.isCentred, epsilon: epsilon, weight: weight.values, bias: bias?.values)

        let stored = TypedValues(x.spread(width: rowWidth, stride: xStride), input)
        let deltaStored = delta.map { TypedValues($0, type).bytes }
        let seedStored = TypedValues(seed.spread(width: rowWidth, stride: outStride), type)
        var (sum, normal) = (TypedValues(blank: count, input), TypedValues(blank: count, type))
        var (out, copy) = (TypedValues(blank: tokens * outStride, type), TypedValues(blank: count, type))
        var again = out
        var dx = TypedValues(added.spread(width: rowWidth, stride: xStride), input)
        var rstd = [Float](repeating: .nan, count: rows)
        level.whileInUse {
            sum.bytes.withUnsafeMutableBytes { sum in
                normal.bytes.withUnsafeMutableBytes { normal in
                    shoal_norm_forward(
                        input, type, &shape, stored.bytes, deltaStored, given.wantsSum ? sum.baseAddress : nil,
                        given.keepsNormal ? normal.baseAddress : nil, &out.bytes, &rstd)
                }
            }
            guard given.keepsNormal else { return }
            shoal_norm_repeat(type, &shape, normal.bytes, &again.bytes)
            copy.bytes.withUnsafeMutableBytes { copy in
                shoal_norm_backward(
                    input, type, &shape, seedStored.bytes, normal.bytes, rstd, &dx.bytes,
                    given.wantsSum ? copy.baseAddress : nil, given.accumulates)
            }
        }
        let whole = delta.map { zip(x, $0).map { $0 + $1 } } ?? x
        let normalised = given.wantsSum ? whole.rounded(to: input) : whole
        let comment: Comment = "\(given)"
        if given.wantsSum { #expect(sum.floats == normalised, comment) }
        let weights = [Float](UnsafeBufferPointer(start: weight.values, count: width)).doubles
        let biases = bias.map { [Float](UnsafeBufferPointer(start: $0.values, count: width)).doubles }
        func expected(_ x: [Double]) -> [Double] {
            Naive.norm(x, weight: weights, bias: biases, epsilon: Double(epsilon), centred: given.isCentred)
        }
        let result = out.floats.gathered(width: rowWidth, stride: outStride)
        // The normal is rounded, then the result.
        #expect(result.error(from: expected(normalised.doubles)) < 2 * type.tolerance, comment)
        guard given.keepsNormal else { return }
        #expect(again.bytes == out.bytes, comment)

        let chain = Naive.normGradient(
            seed: seed.doubles, normal: normal.floats.doubles, rstd: rstd.doubles, weight: weights,
            centred: given.isCentred)
        let total = given.accumulates ? zip(chain, added).map { $0 + Double($1) } : chain
        let found = dx.floats.gathered(width: rowWidth, stride: xStride)
        #expect(found.error(from: total) < input.tolerance, comment)
        if given.wantsSum { #expect(copy.floats.error(from: total) < type.tolerance, comment) }
        guard type == SHOAL_FLOAT32 else { return }
        let gradient = Naive.gradient(normalised.doubles, seed: seed.doubles, expected)
        #expect(chain.map(Float.init).error(from: gradient) < 1e-4, comment)
        withExtendedLifetime((weight, bias)) {}
    }

    @Test("The sum may take the place of the stream", arguments: KernelLevel.supported)
    func inPlace(_ level: KernelLevel) {
        var random = TestValues(9)
        let (x, delta, weight) = (random.next(150), random.next(150), Vector([Float](repeating: 1, count: 75)))
        var shape = shoal_norm(
            rows: 2, columns: 75, groups: 1, x_stride: 75, out_stride: 75, centred: true, epsilon: 1e-5,
            weight: weight.values, bias: nil)
        var (stream, out, rstd) = (x, x, [Float](repeating: 0, count: 2))
        level.whileInUse {
            stream.withUnsafeMutableBytes {
                shoal_norm_forward(
                    SHOAL_FLOAT32, SHOAL_FLOAT32, &shape, $0.baseAddress, delta, $0.baseAddress, nil, &out, &rstd)
            }
        }
        #expect(stream == zip(x, delta).map { $0 + $1 })
        let expected = Naive.norm(
            stream.doubles, weight: [Double](repeating: 1, count: 75), bias: nil, epsilon: 1e-5, centred: true)
        #expect(out.error(from: expected) < 1e-5)
        withExtendedLifetime(weight) {}
    }
}
