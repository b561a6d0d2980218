internal import CKernels

/// An activation function.
package enum ActivationFunction: Sendable, Hashable {
    case silu
    /// x Φ(x)
    case gelu
    /// GELU's approximation by the hyperbolic tangent (arXiv:1606.08415).
    case geluTanh
    case relu
    case tanh

    var kernel: shoal_activation {
        switch self {
        case .silu: SHOAL_SILU
        case .gelu: SHOAL_GELU
        case .geluTanh: SHOAL_GELU_TANH
        case .relu: SHOAL_RELU
        case .tanh: SHOAL_TANH
        }
    }
}

extension Computation {
    /// `function(x)`
    package func activate(_ x: Activation, _ function: ActivationFunction) -> Activation {
        gated(x, nil, function)
    }

    /// `function(gate) · up`
    package func gate(_ gate: Activation, _ up: Activation, _ function: ActivationFunction) -> Activation {
        precondition(gate.stride == up.stride && gate.columns == up.columns, "a gate of another shape")
        return gated(gate, up, function)
    }

    private func gated(_ gate: Activation, _ up: Activation?, _ function: ActivationFunction) -> Activation {
        let shape = shoal_gate(
            activation: function.kernel, rows: gate.rows, columns: gate.columns, stride: gate.stride)
        let kernelType = type.kernelType
        let forward = { (target: UnsafeMutableRawPointer) in
            var shape = shape
            shoal_gate_forward(kernelType, &shape, gate.values, up?.values, target)
        }
        let output = make(gate.rows, gate.columns, type, needsGradient: gate.needsGradient, restore: forward)
        forward(output.values)
        guard output.needsGradient else { return output }
        record { [self] in
            guard let gradient = output.gradient else { return }
            var shape = shape
            let gateTarget = gate.gradientTarget(arena)
            let upTarget = up?.gradientTarget(arena)
            precondition(!gateTarget.accumulates && upTarget?.accumulates != true, "a gate is read once")
            shoal_gate_backward(
                kernelType, &shape, gradient, gate.values, up?.values, gateTarget.address, upTarget?.address, nil)
        }
        return output
    }
}
