/// A frozen matrix, row-major `[rows, columns]`: where its bytes lie, what they mean, and who keeps them alive.
///
/// A linear layer's weight has one row an output. The bytes may be a memory-mapped checkpoint shared by processes.
public struct Weight {
    public let rows: Int
    public let columns: Int
    public let format: WeightFormat
    /// `rows * columns` values, aligned for the element type, never written.
    public let bytes: UnsafeRawPointer
    /// Keeps `bytes` valid.
    private let owner: Any

    /// Uses memory that `owner` keeps valid, without a copy.
    public init(
        rows: Int, columns: Int, format: WeightFormat, bytes: UnsafeRawBufferPointer, keptAliveBy owner: Any
    ) {
        guard let base = bytes.baseAddress, bytes.count == rows * columns * format.size else {
            preconditionFailure("\(bytes.count) bytes for a \(rows) × \(columns) weight")
        }
        precondition(Int(bitPattern: base) % format.size == 0, "misaligned weight")
        self.rows = rows
        self.columns = columns
        self.format = format
        self.bytes = base
        self.owner = owner
    }

    /// Holds values of its own.
    ///
    /// - Parameter values: `[rows * columns]`.
    public init(rows: Int, columns: Int, values: [Float]) {
        precondition(values.count == rows * columns, "\(values.count) values for a \(rows) × \(columns) weight")
        let buffer = ScratchBuffer()
        let base = buffer.reserve(values.count)
        values.withUnsafeBufferPointer { source in
            if let start = source.baseAddress { base.update(from: start, count: source.count) }
        }
        self.init(
            rows: rows, columns: columns, format: .float32,
            bytes: UnsafeRawBufferPointer(start: base, count: values.count * 4), keptAliveBy: buffer)
    }

    /// The values of a float32 weight.
    package var float32: UnsafePointer<Float> {
        precondition(format == .float32, "a \(format) weight read as float32")
        return bytes.assumingMemoryBound(to: Float.self)
    }
}
