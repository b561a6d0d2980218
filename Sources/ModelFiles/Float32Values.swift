extension SafetensorsFile.Tensor {
    /// The values as float32, `[count]` row-major. float16 and bfloat16 convert exactly.
    ///
    /// - Throws: ``SafetensorsError/unsupportedElementType(file:tensor:type:)`` for any other type.
    public func float32Values() throws(SafetensorsError) -> [Float] {
        try float32Values(in: 0..<count)
    }

    /// Writes the values as float32, `[count]` row-major.
    func copyFloat32Values(to target: UnsafeMutableBufferPointer<Float>) throws(SafetensorsError) {
        precondition(target.count == count, "\(count) values into \(target.count)")
        guard elementType == .float32 else {
            let values = try float32Values()
            _ = target.update(from: values)
            return
        }
        withBytes { UnsafeMutableRawBufferPointer(target).copyMemory(from: $0) }
    }

    /// Some of the values, in row-major order.
    public func float32Values(in range: Range<Int>) throws(SafetensorsError) -> [Float] {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "values \(range) of \(count)")
        // Loads are unaligned: an old file's data section may start anywhere. Little-endian like every host we run on.
        switch elementType {
        case .float32:
            return withBytes { source in
                [Float](unsafeUninitializedCapacity: range.count) { target, initialized in
                    let part = UnsafeRawBufferPointer(rebasing: source[4 * range.lowerBound..<4 * range.upperBound])
                    UnsafeMutableRawBufferPointer(target).copyMemory(from: part)
                    initialized = range.count
                }
            }
        case .float16:
            return withBytes { values(range, of: $0) { Float(Float16(bitPattern: $0)) } }
        case .bfloat16:
            return withBytes { values(range, of: $0) { Float(bitPattern: UInt32($0) << 16) } }
        default:
            throw .unsupportedElementType(file: file, tensor: name, type: elementType)
        }
    }

    private func values(
        _ range: Range<Int>, of source: UnsafeRawBufferPointer, convert: (UInt16) -> Float
    ) -> [Float] {
        [Float](unsafeUninitializedCapacity: range.count) { target, initialized in
            for index in 0..<range.count {
                let bits = source.loadUnaligned(fromByteOffset: 2 * (range.lowerBound + index), as: UInt16.self)
                target.initializeElement(at: index, to: convert(UInt16(littleEndian: bits)))
            }
            initialized = range.count
        }
    }
}
