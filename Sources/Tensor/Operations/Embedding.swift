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
