internal import CKernels

extension Computation {
    /// The first row of each block, `[blocks, columns]`.
    ///
    /// - Parameters:
    ///   - x: `[rows, columns]`
    ///   - blocks: Those rows', at least one each.
    package func firstRows(_ x: Activation, of blocks: RowBlocks) -> Activation {
        precondition(x.isWhole && x.rows == blocks.rows, "\(x.rows) rows in blocks of \(blocks.rows)")
        let size = x.columns * x.type.size
        let output = make(blocks.count, x.columns, x.type, needsGradient: x.needsGradient)
        for block in 0..<blocks.count {
            precondition(!blocks[block].isEmpty, "the first row of an empty block")
            (output.values + block * size).copyMemory(
                from: x.values + blocks[block].lowerBound * size, byteCount: size)
        }
        guard output.needsGradient else { return output }
        record { [self] in
            guard let gradient = output.gradient else { return }
            let (target, accumulates) = x.gradientTarget(arena)
            if !accumulates { target.initializeMemory(as: UInt8.self, repeating: 0, count: x.rows * size) }
            for block in 0..<blocks.count {
                shoal_add_values(
                    x.type.kernelType, target + blocks[block].lowerBound * size, x.type.kernelType,
                    gradient + block * size, x.columns)
            }
        }
        return output
    }
}
