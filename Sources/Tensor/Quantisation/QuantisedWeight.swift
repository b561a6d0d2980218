internal import CKernels

/// Quantised weights: their parts lie in a mapped checkpoint, and a product takes them as plain values in scratch memory
/// that lasts no longer than the product.
extension Weight {
    /// - Parameters:
    ///   - values: Int8 `[rows, columns]`.
    ///   - scales: `[rows]`
    package init(
        int8 values: UnsafeRawBufferPointer, scales: UnsafeBufferPointer<Float>, rows: Int, columns: Int,
        keptAliveBy owner: Any
    ) {
        guard let base = values.baseAddress, let scale = scales.baseAddress, values.count == rows * columns,
            scales.count == rows
        else { preconditionFailure("\(values.count) values and \(scales.count) scales for \(rows) × \(columns)") }
        self.init(rows: rows, columns: columns, storage: .int8(scales: scale), bytes: base, owner: owner)
    }

    /// - Parameters:
    ///   - codes: `[rows, ⌈columns / 2⌉]`
    ///   - absmax: `[rows, ⌈columns / 64⌉]`
    ///   - scales: One for 256 of `absmax`.
    package init(
        nf4 codes: UnsafeRawBufferPointer, absmax: UnsafeRawBufferPointer, scales: UnsafeBufferPointer<Float>,
        offset: Float, rows: Int, columns: Int, keptAliveBy owner: Any
    ) {
        let shape = NF4Shape(rows: rows, columns: columns)
        guard let base = codes.baseAddress, let highest = absmax.baseAddress, let scale = scales.baseAddress,
            codes.count == rows * shape.rowBytes, absmax.count == shape.blocks, scales.count == shape.scales
        else { preconditionFailure("NF4 parts of another shape than \(rows) × \(columns)") }
        self.init(
            rows: rows, columns: columns,
            storage: .nf4(absmax: highest.assumingMemoryBound(to: UInt8.self), scales: scale, offset: offset),
            bytes: base, owner: owner)
    }

    /// This weight as values of `type`: itself where it is plain, else dequantised into the arena's memory, which goes
    /// back with the last reference.
    package func plain(_ type: ElementType, _ arena: Arena) -> Weight {
        if case .plain = storage { return self }
        let block = arena.take(rows * columns * type.size)
        switch storage {
        case .plain: break
        case .int8(let scales):
            shoal_dequantise_int8(
                bytes.assumingMemoryBound(to: Int8.self), scales, type.kernelType, block.address, rows, columns)
        case .nf4(let absmax, let scales, let offset):
            var parts = shoal_nf4(
                codes: bytes.assumingMemoryBound(to: UInt8.self), absmax: absmax, scales: scales, offset: offset)
            shoal_dequantise_nf4(&parts, type.kernelType, block.address, rows, columns)
        }
        return Weight(rows: rows, columns: columns, storage: .plain(type), bytes: block.address, owner: block)
    }
}

extension Computation {
    /// Lends a weight as products take it, valid until `body` returns.
    func withOperand<Result>(_ weight: Weight, _ body: (MatMul.Operand) -> Result) -> Result {
        let plain = weight.plain(type, arena)
        defer { withExtendedLifetime(plain) {} }
        return body(MatMul.Operand(plain))
    }
}
