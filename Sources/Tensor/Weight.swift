internal import CKernels
internal import Glibc

/// A frozen matrix `[rows, columns]`: where its bytes lie, what they mean, and who keeps them alive.
///
/// A linear layer's weight has one row an output. The bytes may be a memory-mapped checkpoint shared by processes.
public struct Weight {
    public let rows: Int
    public let columns: Int
    package let storage: Storage
    /// Stored as `[columns, rows]` instead.
    public let isTransposed: Bool
    /// The values or codes, aligned for their type, never written.
    public let bytes: UnsafeRawPointer
    /// The same values in products' own layout; see ``packed()``.
    package var panels: WeightPanels?
    /// Keeps `bytes` and what `storage` points to valid.
    private let owner: Any

    /// What the bytes mean.
    package enum Storage {
        /// `[rows, columns]`
        case plain(ElementType)
        /// Int8 `[rows, columns]`, to be multiplied by their row's scale.
        case int8(scales: UnsafePointer<Float>)
        /// Codes `[rows, ⌈columns / 2⌉]`; see `shoal_nf4` for the rest.
        case nf4(absmax: UnsafePointer<UInt8>, scales: UnsafePointer<Float>, offset: Float)
    }

    /// The values' type.
    ///
    /// - Precondition: Not quantised.
    public var type: ElementType {
        guard case .plain(let type) = storage else { preconditionFailure("a quantised weight read as it is") }
        return type
    }

    /// Uses memory that `owner` keeps valid, without a copy.
    public init(
        rows: Int, columns: Int, type: ElementType, bytes: UnsafeRawBufferPointer, keptAliveBy owner: Any,
        isTransposed: Bool = false
    ) {
        guard let base = bytes.baseAddress, bytes.count == rows * columns * type.size else {
            preconditionFailure("\(bytes.count) bytes for a \(rows) × \(columns) weight")
        }
        precondition(Int(bitPattern: base) % type.size == 0, "misaligned weight")
        self.init(
            rows: rows, columns: columns, storage: .plain(type), isTransposed: isTransposed, bytes: base, owner: owner)
    }

    init(
        rows: Int, columns: Int, storage: Storage, isTransposed: Bool = false, bytes: UnsafeRawPointer, owner: Any
    ) {
        self.rows = rows
        self.columns = columns
        self.storage = storage
        self.isTransposed = isTransposed
        self.bytes = bytes
        self.owner = owner
    }

    /// Holds values of its own.
    ///
    /// - Parameter values: `[rows * columns]`, rounded to `type`.
    public init(rows: Int, columns: Int, type: ElementType = .float32, values: [Float]) {
        precondition(values.count == rows * columns, "\(values.count) values for a \(rows) × \(columns) weight")
        let block = Arena().take(values.count * type.size)
        shoal_convert(SHOAL_FLOAT32, values, type.kernelType, block.address, values.count, 1)
        self.init(
            rows: rows, columns: columns, type: type,
            bytes: UnsafeRawBufferPointer(start: block.address, count: values.count * type.size), keptAliveBy: block)
    }

    /// The same memory read the other way round.
    package var transposed: Weight {
        Weight(
            rows: columns, columns: rows, type: type,
            bytes: UnsafeRawBufferPointer(start: bytes, count: rows * columns * type.size), keptAliveBy: owner,
            isTransposed: !isTransposed)
    }

    /// `count` rows from `first`, of the same memory.
    package func rows(_ first: Int, _ count: Int) -> Weight {
        precondition(!isTransposed && first >= 0 && first + count <= rows, "rows \(first) + \(count) of \(rows)")
        return Weight(
            rows: count, columns: columns, type: type,
            bytes: UnsafeRawBufferPointer(
                start: bytes + first * columns * type.size, count: count * columns * type.size), keptAliveBy: owner)
    }
}

/// A frozen float32 vector: a norm's weight, a bias.
public final class Vector {
    public let count: Int
    /// `[count]`
    package let values: UnsafeMutablePointer<Float>

    public init(_ source: [Float]) {
        count = source.count
        values = .allocate(capacity: max(source.count, 1))
        source.withUnsafeBufferPointer {
            values.initialize(from: $0.baseAddress ?? UnsafePointer(values), count: $0.count)
        }
    }

    /// `count` values from `first`, copied.
    package func slice(_ first: Int, _ count: Int) -> Vector {
        if first == 0, count == self.count { return self }
        return Vector([Float](UnsafeBufferPointer(start: values + first, count: count)))
    }

    deinit { values.deallocate() }
}

extension Float {
    /// The natural logarithm.
    var logarithm: Float { logf(self) }
}
