internal import CKernels

/// A weight laid out twice more, as products read it on their right side: as it is, and transposed. Twice the weight's
/// memory in bfloat16 with bfloat16 pairs and in float32, four times elsewhere; every product saves its packing.
///
/// Made for the ``KernelLevel`` in use: products at another level read the weight itself.
package final class WeightPanels {
    /// `[rows, columns]` on the right.
    let plain: OpaquePointer
    /// `[columns, rows]` on the right.
    let transposed: OpaquePointer
    private let blocks: [Block]

    /// - Precondition: Not quantised.
    init(_ weight: Weight) {
        let right = MatMul.Operand(weight)
        let arena = Arena()
        let packed = [right, right.transposed].map { factor in
            let block = arena.take(shoal_panels_bytes(factor.type.kernelType, factor.rows, factor.columns))
            let panels = OpaquePointer(block.address)
            var term = shoal_product_term()
            term.b = factor.address
            term.b_stride = factor.stride
            term.b_transposed = factor.isTransposed
            term.inner = factor.rows
            shoal_pack(factor.type.kernelType, &term, factor.columns, panels)
            return (block, panels)
        }
        (plain, transposed) = (packed[0].1, packed[1].1)
        blocks = packed.map(\.0)
    }
}

extension Weight {
    /// The same weight, kept in products' own layout too.
    package func packed() -> Weight {
        var weight = self
        weight.panels = WeightPanels(self)
        return weight
    }
}
