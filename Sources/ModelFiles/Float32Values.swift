extension SafetensorsFile.Tensor {
    /// The values as float32, `[count]` row-major. float16 and bfloat16 convert exactly.
    ///
    /// - Throws: ``SafetensorsError/unsupportedElementType(file:tensor:type:)`` for any other type.
    public func float32Values() throws(SafetensorsError) -> [Float] {
        // Loads are unaligned: an old file's data section may start anywhere. Little-endian like every host we run on.
        switch elementType {
        case .float32:
            return withBytes { source in
                [Float](unsafeUninitializedCapacity: count) { target, initialized in
                    UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
                    initialized = count
                }
            }
        case .float16:
            return withBytes { values(of: $0) { Float(Float16(bitPattern: $0)) } }
        case .bfloat16:
            return withBytes { values(of: $0) { Float(bitPattern: UInt32($0) << 16) } }
        default:
            throw .unsupportedElementType(file: file, tensor: name, type: elementType)
        }
    }

    private func values(of source: UnsafeRawBufferPointer, convert: (UInt16) -> Float) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { target, initialized in
            for index in 0..<count {
                let bits = source.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
                target.initializeElement(at: index, to: convert(UInt16(littleEndian: bits)))
            }
            initialized = count
        }
    }
}
