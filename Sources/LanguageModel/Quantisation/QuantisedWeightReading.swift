internal import ModelFiles
internal import Tensor

extension WeightReader {
    /// A quantised weight where it lies in the mapped checkpoint.
    func quantised(
        _ name: String, _ format: QuantisationFormat, _ rows: Int, _ columns: Int
    ) throws(ModelError) -> Weight {
        typealias Part = QuantisationFormat.Part
        switch format {
        case .int8:
            let values = try part(name, .int8, [rows, columns])
            let scales = FloatPart(try part(name + Part.int8Scales, .float32, [rows]))
            return Weight(
                int8: values.bytes, scales: scales.values, rows: rows, columns: columns, keptAliveBy: (values, scales))
        case .nf4:
            let shape = NF4Shape(rows: rows, columns: columns)
            let codes = try part(name, .uint8, [rows, shape.rowBytes])
            let absmax = try part(name + Part.nf4Absmax, .uint8, [rows, shape.blocksInRow])
            let scales = FloatPart(try part(name + Part.nf4Scales, .float32, [shape.scales]))
            let offset = FloatPart(try part(name + Part.nf4Offset, .float32, [1]))
            return Weight(
                nf4: codes.bytes, absmax: absmax.bytes, scales: scales.values, offset: offset.values[0], rows: rows,
                columns: columns, keptAliveBy: (codes, absmax, scales))
        }
    }

    private func part(
        _ name: String, _ type: ModelFiles.ElementType, _ shape: [Int]
    ) throws(ModelError) -> SafetensorsFile.Tensor {
        let tensor = try tensor(name, shape: shape)
        guard tensor.elementType == type else {
            throw .checkpoint(
                .safetensors(.unsupportedElementType(file: tensor.file, tensor: name, type: tensor.elementType)))
        }
        return tensor
    }
}

/// A float32 tensor's values: where they lie, or copied if the file placed them at an odd address.
private final class FloatPart {
    let values: UnsafeBufferPointer<Float>
    private let tensor: SafetensorsFile.Tensor
    private let copy: UnsafeMutableBufferPointer<Float>?

    init(_ tensor: SafetensorsFile.Tensor) {
        self.tensor = tensor
        if tensor.isAligned(to: 4) {
            copy = nil
            values = tensor.bytes.assumingMemoryBound(to: Float.self)
        } else {
            let own = UnsafeMutableBufferPointer<Float>.allocate(capacity: tensor.count)
            UnsafeMutableRawBufferPointer(own).copyMemory(from: tensor.bytes)
            copy = own
            values = UnsafeBufferPointer(own)
        }
    }

    deinit { copy?.deallocate() }
}
