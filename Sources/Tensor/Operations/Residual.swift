internal import CKernels

extension Computation {
    /// `x + delta`, of x's type.
    ///
    /// - Parameter consuming: Neither term is read afterwards.
    package func add(_ x: Activation, _ delta: Activation, consuming: Bool = false) -> Activation {
        precondition(x.columns == delta.columns && x.isWhole && delta.isWhole, "sums of whole matrices of one shape")
        let sum = make(x.rows, x.columns, x.type, needsGradient: x.needsGradient || delta.needsGradient)
        let count = x.rows * x.columns
        let discards = consuming && sum.needsGradient
        produce(sum) { target in
            target.copyMemory(from: x.values, byteCount: count * x.type.size)
            shoal_add_values(x.type.kernelType, target, delta.type.kernelType, delta.values, count)
            if discards {
                x.storage.discardValues()
                delta.storage.discardValues()
            }
        }
        if sum.needsGradient { record { [self] in passOn(sum, to: x, and: delta) } }
        return sum
    }

    /// The gradient of a sum goes to both terms unchanged.
    func passOn(_ sum: Activation, to x: Activation, and delta: Activation?) {
        let narrow = sum.storage.narrowGradient
        guard let gradient = sum.storage.takeGradient() else { return }
        if let delta, delta.needsGradient {
            if let narrow {
                delta.storage.addGradient(narrow, arena)
            } else {
                addGradient(gradient, sum.type, to: delta)
            }
        }
        if x.needsGradient { x.storage.addGradient(gradient, arena) }
    }

    /// Adds a gradient of another type than the activation's.
    func addGradient(_ gradient: Block, _ gradientType: ElementType, to activation: Activation) {
        guard gradientType != activation.type else {
            activation.storage.addGradient(gradient, arena)
            return
        }
        let count = activation.rows * activation.columns
        let converted = arena.take(count * activation.type.size)
        shoal_convert(
            gradientType.kernelType, gradient.address, activation.type.kernelType, converted.address, count, 1)
        activation.storage.addGradient(converted, arena)
    }

    /// The same values in the pass's type.
    package func narrowed(_ x: Activation) -> Activation {
        guard x.type != type else { return x }
        let output = make(x.rows, x.columns, type, needsGradient: x.needsGradient)
        shoal_convert(x.type.kernelType, x.values, type.kernelType, output.values, x.rows * x.columns, 1)
        if output.needsGradient {
            record { [self] in
                if let gradient = output.storage.takeGradient() { addGradient(gradient, type, to: x) }
            }
        }
        return output
    }
}
