internal import CKernels

extension Computation {
    /// The first row of each block, `[blocks, columns]`.
    ///
    /// - Parameter length: Rows of a block.
    package func firstRows(_ x: Activation, length: Int) -> Activation {
        precondition(x.isWhole && x.rows % length == 0, "\(x.rows) rows in blocks of \(length)")
        let blocks = x.rows / length
        let size = x.columns * x.type.size
        let output = make(blocks, x.columns, x.type, needsGradient: x.needsGradient)
        for block in 0..<blocks {
            (output.values + block * size).copyMemory(from: x.values + block * length * size, byteCount: size)
        }
        guard output.needsGradient else { return output }
        record { [self] in
            guard let gradient = output.gradient else { return }
            let (target, accumulates) = x.gradientTarget(arena)
            if !accumulates { target.initializeMemory(as: UInt8.self, repeating: 0, count: x.rows * size) }
            for block in 0..<blocks {
                shoal_add_values(
                    x.type.kernelType, target + block * length * size, x.type.kernelType, gradient + block * size,
                    x.columns)
            }
        }
        return output
    }
}
