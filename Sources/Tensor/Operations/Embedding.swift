internal import CKernels

extension Computation {
    /// Rows of a frozen table, float32: `table[id] · factor`.
    ///
    /// - Parameter ids: Each below the table's row count.
    package func embed(_ ids: [Int32], _ table: Weight, factor: Float = 1) -> Activation {
        let output = make(ids.count, table.columns, .float32, needsGradient: false)
        shoal_gather_rows(
            table.type.kernelType, table.bytes, ids, output.floats, ids.count, table.columns, factor, false)
        return output
    }

    /// Adds rows of another table, in place, before anything has read the sum.
    package func addEmbedding(_ ids: [Int32], _ table: Weight, to sum: Activation) {
        precondition(sum.rows == ids.count && sum.columns == table.columns, "an embedding of another shape")
        shoal_gather_rows(table.type.kernelType, table.bytes, ids, sum.floats, ids.count, table.columns, 1, true)
    }
}

extension Computation {
    /// For each token the rows of the next one, itself and the one before, side by side, float32 (MobileBERT's
    /// trigrams, arXiv:2004.02984); zeros beyond a block's ends.
    ///
    /// - Parameters:
    ///   - ids: `[rows]`, each below the table's row count.
    ///   - blocks: Those rows'.
    /// - Returns: `[rows, 3 · columns]`
    package func embedTrigrams(_ ids: [Int32], _ table: Weight, of blocks: RowBlocks) -> Activation {
        precondition(ids.count == blocks.rows, "\(ids.count) tokens in blocks of \(blocks.rows)")
        let width = table.columns
        let output = make(ids.count, 3 * width, .float32, needsGradient: false)
        output.floats.update(repeating: 0, count: ids.count * 3 * width)
        for block in 0..<blocks.count {
            for index in blocks[block] {
                for (part, offset) in [1, 0, -1].enumerated() where blocks[block].contains(index + offset) {
                    shoal_gather_rows(
                        table.type.kernelType, table.bytes, [ids[index + offset]],
                        output.floats + (index * 3 + part) * width, 1, width, 1, false)
                }
            }
        }
        return output
    }
}
