internal import ModelFiles
internal import Tensor

/// Which tensors a quantised checkpoint holds, and how each comes from the original.
struct QuantisationPlan {
    private typealias Part = QuantisationFormat.Part

    /// Of the new file.
    private(set) var tensors: [(name: String, elementType: ModelFiles.ElementType, shape: [Int])] = []
    private let checkpoint: Checkpoint
    private let format: QuantisationFormat
    /// By name in the checkpoint.
    private let weights: [String: WeightReader.StoredShape]

    init(
        _ checkpoint: Checkpoint, _ format: QuantisationFormat, _ weights: [String: WeightReader.StoredShape]
    ) throws(CheckpointError) {
        self.checkpoint = checkpoint
        self.format = format
        self.weights = weights
        for name in checkpoint.tensorNames {
            let tensor = try checkpoint.tensor(name)
            if let stored = weights[name] {
                add(name, rows: stored.outputs, columns: stored.inputs)
            } else {
                tensors.append((name, Self.isNarrowed(tensor) ? .bfloat16 : tensor.elementType, tensor.shape))
            }
        }
    }

    private mutating func add(_ name: String, rows: Int, columns: Int) {
        switch format {
        case .int8:
            tensors.append((name, .int8, [rows, columns]))
            tensors.append((name + Part.int8Scales, .float32, [rows]))
        case .nf4:
            let shape = NF4Shape(rows: rows, columns: columns)
            tensors.append((name, .uint8, [rows, shape.rowBytes]))
            tensors.append((name + Part.nf4Absmax, .uint8, [rows, shape.blocksInRow]))
            tensors.append((name + Part.nf4Scales, .float32, [shape.scales]))
            tensors.append((name + Part.nf4Offset, .float32, [1]))
        }
    }

    /// Writes what one tensor of the original becomes.
    func write(_ name: String, to output: SafetensorsOutput, _ report: inout QuantisationReport) throws {
        let tensor = try checkpoint.tensor(name)
        if let stored = weights[name] {
            try quantise(tensor, stored, to: output, &report)
        } else if Self.isNarrowed(tensor) {
            try tensor.narrow(to: output)
        } else {
            try tensor.withBytes { try output.write($0, to: name) }
        }
    }

    private func quantise(
        _ tensor: SafetensorsFile.Tensor, _ stored: WeightReader.StoredShape, to output: SafetensorsOutput,
        _ report: inout QuantisationReport
    ) throws {
        let (rows, columns) = (stored.outputs, stored.inputs)
        var values = try tensor.float32Values()
        guard values.allSatisfy(\.isFinite) else {
            throw QuantisationError.notFinite(file: tensor.file, tensor: tensor.name)
        }
        if stored.isTransposed { values = Self.transposed(values, rows: columns, columns: rows) }
        switch format {
        case .int8:
            let matrix = Int8Matrix(values, rows: rows, columns: columns)
            try output.write(matrix.values, to: tensor.name)
            try output.write(matrix.scales, to: tensor.name + Part.int8Scales)
            report.add(values, matrix.dequantised)
        case .nf4:
            let matrix = NF4Matrix(values, rows: rows, columns: columns)
            try output.write(matrix.codes, to: tensor.name)
            try output.write(matrix.absmax, to: tensor.name + Part.nf4Absmax)
            try output.write(matrix.scales, to: tensor.name + Part.nf4Scales)
            try output.write([matrix.offset], to: tensor.name + Part.nf4Offset)
            report.add(values, matrix.dequantised)
        }
    }

    /// Wider floats become bfloat16.
    private static func isNarrowed(_ tensor: SafetensorsFile.Tensor) -> Bool {
        tensor.elementType == .float32 || tensor.elementType == .float16
    }

    /// - Parameter values: `[rows, columns]`
    private static func transposed(_ values: [Float], rows: Int, columns: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: values.count) { target, initialized in
            for row in 0..<rows {
                for column in 0..<columns {
                    target.initializeElement(at: column * rows + row, to: values[row * columns + column])
                }
            }
            initialized = values.count
        }
    }
}
