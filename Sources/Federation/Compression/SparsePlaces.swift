/// Where an update's kept values are, and their signs: up to a density of a half the gaps between them (``GapCode``),
/// above it every coordinate (``SignCode``).
enum SparsePlaces: Sendable {
    case gaps(GapCode)
    case signs(SignCode)

    /// - Parameter density: The share of kept values, above 0 and at most 1.
    init(density: Double) {
        self = density <= 0.5 ? .gaps(GapCode(density: density)) : .signs(SignCode(density: density))
    }

    /// Appends the code of `symbols`, whole groups of a ``RANSEncoder``: 1 for a positive value, 2 for a negative one, 0
    /// for all others.
    ///
    /// - Parameter kept: How many are not 0.
    func append(_ symbols: [UInt16], kept: Int, to bytes: inout [UInt8]) {
        switch self {
        case .gaps(let code): code.append(symbols, kept: kept, to: &bytes)
        case .signs(let code): code.append(symbols, to: &bytes)
        }
    }

    /// The most bytes that are appended for `count` coordinates.
    func maximumBytes(count: Int, kept: Int) -> Int {
        switch self {
        case .gaps(let code): code.maximumBytes(count: RANSEncoder.padded(count), kept: kept)
        case .signs(let code): code.maximumBytes(count: count)
        }
    }

    /// Place << 1 | (1 for a negative value), ascending.
    func read(_ bytes: [UInt8], _ range: Range<Int>, count: Int, codec: String) throws(CodecError) -> [UInt32] {
        var places: [UInt32] = []
        switch self {
        case .gaps(let code):
            try bytes.lend { (bytes) throws(CodecError) in
                try code.read(UnsafeRawBufferPointer(rebasing: bytes[range]), count: count, codec: codec) { values in
                    places.append(contentsOf: values)
                }
            }
        case .signs(let code):
            let values = try code.read(bytes, range, magnitude: 1, count: count, codec: codec)
            for index in values.indices where values[index] != 0 {
                places.append(UInt32(index) << 1 | (values[index] < 0 ? 1 : 0))
            }
        }
        return places
    }
}
