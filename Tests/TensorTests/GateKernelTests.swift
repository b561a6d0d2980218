import CKernels
import Tensor
import Testing

@Suite("Activation functions and gated units")
struct GateKernelTests {
    static let kinds = [SHOAL_SILU, SHOAL_GELU, SHOAL_GELU_TANH, SHOAL_RELU, SHOAL_TANH]

    @Test("Forward and backward, alone and gated", arguments: [1, 5, 16, 64, 75], KernelLevel.supported)
    func pair(_ width: Int, _ level: KernelLevel) {
        for kind in Self.kinds {
            for type in shoal_type.all {
                for (isGated, gap) in [(false, 0), (true, 0), (false, 3), (true, 3)] {
                    check(kind, type, width, isGated: isGated, gap: gap, level)
                }
            }
        }
    }

    private func check(
        _ kind: shoal_activation, _ type: shoal_type, _ width: Int, isGated: Bool, gap: Int, _ level: KernelLevel
    ) {
        let rows = 3
        var random = TestValues(UInt64(width))
        let gate = random.next(rows * width, scale: 3).rounded(to: type)
        let up = isGated ? random.next(rows * width).rounded(to: type) : nil
        let seed = random.next(rows * width).rounded(to: type)
        let stride = width + gap
        var shape = shoal_gate(activation: kind, rows: rows, columns: width, stride: stride)
        func spread(_ values: [Float]) -> [UInt8] {
            TypedValues(values.spread(width: width, stride: stride), type).bytes
        }
        let (gateStored, upStored, seedStored) = (spread(gate), up.map(spread), TypedValues(seed, type).bytes)
        var (out, again) = (TypedValues(blank: rows * width, type), TypedValues(blank: rows * width, type))
        var dgate = TypedValues(blank: rows * stride, type)
        var (dup, unrepeated) = (dgate, dgate)
        level.whileInUse {
            shoal_gate_forward(type, &shape, gateStored, upStored, &out.bytes)
            dup.bytes.withUnsafeMutableBytes { dup in
                let dup = isGated ? dup.baseAddress : nil
                shoal_gate_backward(
                    type, &shape, seedStored, gateStored, upStored, &dgate.bytes, dup, &again.bytes)
                shoal_gate_backward(
                    type, &shape, seedStored, gateStored, upStored, &unrepeated.bytes, dup, nil)
            }
        }
        let comment: Comment = "\(kind) \(type) gated: \(isGated) gap: \(gap)"
        let values = gate.map { Naive.activation(kind, Double($0)) }
        let factors = up?.doubles ?? values.map { _ in 1 }
        #expect(out.floats.error(from: zip(values, factors).map { $0 * $1 }) < type.tolerance, comment)
        #expect(again.floats.error(from: out.floats.doubles) < type.tolerance, comment)
        let byGate = seed.indices.map { Double(seed[$0]) * factors[$0] * Naive.slope(kind, Double(gate[$0])) }
        #expect(
            dgate.floats.gathered(width: width, stride: stride).error(from: byGate) < type.tolerance, comment)
        #expect(dgate.bytes == unrepeated.bytes, comment)
        if isGated {
            let byUp = zip(seed, values).map { Double($0) * $1 }
            #expect(dup.floats.gathered(width: width, stride: stride).error(from: byUp) < type.tolerance, comment)
        } else {
            #expect(dup.floats.allSatisfy { $0.isNaN }, comment)
        }
    }

    @Test("Large inputs keep values and slopes finite and right", arguments: kinds, KernelLevel.supported)
    func extremes(_ kind: shoal_activation, _ level: KernelLevel) {
        let gate: [Float] = [0, -0.001, 9, -9, 40, -40, 87, -88, 89, -104, 1e4, -1e4, 1e18, -1e18, 3e38, -3e38]
        var shape = shoal_gate(activation: kind, rows: 1, columns: gate.count, stride: gate.count)
        let seed = [Float](repeating: 1, count: gate.count)
        var (out, dgate) = (seed, seed)
        level.whileInUse {
            shoal_gate_forward(SHOAL_FLOAT32, &shape, gate, nil, &out)
            shoal_gate_backward(SHOAL_FLOAT32, &shape, seed, gate, nil, &dgate, nil, nil)
        }
        #expect(out.allSatisfy { $0.isFinite }, "\(out)")
        #expect(dgate.allSatisfy { $0.isFinite }, "\(dgate)")
        // Beyond e^88 the kernels' exponential stays at its largest value.
        let count = gate.count - 2
        #expect([Float](out[..<count]).error(from: gate[..<count].map { Naive.activation(kind, Double($0)) }) < 1e-5)
        let slopes = gate.prefix(count).map { abs($0) < 1e5 && $0 != 0 ? Naive.slope(kind, Double($0)) : nil }
        for (found, expected) in zip(dgate, slopes) {
            if let expected { #expect(abs(Double(found) - expected) < 1e-5) }
        }
    }
}
