internal import CKernels

/// A frozen factor and offset for each column: what MobileBERT has in place of a norm.
package struct ColumnScaling {
    /// `[columns]`
    package let weight: Vector
    package let bias: Vector

    package init(weight: Vector, bias: Vector) {
        self.weight = weight
        self.bias = bias
    }
}

extension Computation {
    /// `x · weight + bias`, column by column; x is of the pass's type.
    package func scaleColumns(_ x: Activation, _ scaling: ColumnScaling) -> Activation {
        precondition(x.isWhole && x.columns == scaling.weight.count && x.type == type, "columns of another matrix")
        let kernelType = type.kernelType
        let output = make(x.rows, x.columns, type, needsGradient: x.needsGradient)
        shoal_scale_columns(
            kernelType, x.values, x.columns, scaling.weight.values, scaling.bias.values, output.values, x.columns,
            x.rows, x.columns)
        guard output.needsGradient else { return output }
        record { [self] in
            guard let gradient = output.gradient else { return }
            let scaled = arena.take(x.rows * x.columns * type.size)
            shoal_scale_columns(
                kernelType, gradient, x.columns, scaling.weight.values, nil, scaled.address, x.columns, x.rows,
                x.columns)
            x.storage.addGradient(scaled, arena)
        }
        return output
    }
}
