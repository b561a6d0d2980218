internal import CKernels

/// Sizes of an NF4 matrix's parts.
package struct NF4Shape: Hashable, Sendable {
    /// Values of a row that share an absolute maximum; a row's last block may be shorter.
    package static let blockValues = Int(SHOAL_NF4_BLOCK)
    /// Absolute maxima that share a scale.
    package static let scaleBlocks = Int(SHOAL_NF4_SCALES)

    package let rowBytes: Int
    package let blocksInRow: Int
    package let blocks: Int
    package let scales: Int

    package init(rows: Int, columns: Int) {
        rowBytes = (columns + 1) / 2
        blocksInRow = (columns + Self.blockValues - 1) / Self.blockValues
        blocks = rows * blocksInRow
        scales = (blocks + Self.scaleBlocks - 1) / Self.scaleBlocks
    }
}

/// A matrix as 4-bit NormalFloats with doubly quantised absolute maxima (Dettmers et al. 2023, QLoRA, arXiv:2305.14314).
///
/// Where a row is a multiple of 64 values, codes are those that bitsandbytes computes. Elsewhere it lets blocks run
/// across rows; here each row begins a block, so that rows can be read apart.
package struct NF4Matrix {
    package let rows: Int
    package let columns: Int
    /// `[rows, ⌈columns / 2⌉]`, two a byte, the earlier value in the upper half.
    package private(set) var codes: [UInt8]
    /// `[rows, ⌈columns / 64⌉]`
    package private(set) var absmax: [UInt8]
    /// One for 256 of `absmax`.
    package private(set) var scales: [Float]
    /// The mean absolute maximum.
    package let offset: Float

    /// What the sixteen codes mean, ascending.
    package static let codeValues = table(shoal_nf4_values(), 16)
    /// What the absolute maxima's 256 codes mean, ascending.
    package static let absmaxMap = table(shoal_nf4_map(), 256)

    private static func table(_ values: UnsafePointer<Float>?, _ count: Int) -> [Float] {
        Array(UnsafeBufferPointer(start: values, count: count))
    }

    /// Takes the nearest code of each value.
    ///
    /// - Parameter source: `[rows, columns]`, finite.
    package init(_ source: [Float], rows: Int, columns: Int) {
        precondition(source.count == rows * columns, "\(source.count) values for \(rows) × \(columns)")
        let shape = NF4Shape(rows: rows, columns: columns)
        self.rows = rows
        self.columns = columns
        codes = [UInt8](repeating: 0, count: rows * shape.rowBytes)
        absmax = [UInt8](repeating: 0, count: shape.blocks)
        scales = [Float](repeating: 0, count: shape.scales)
        var largest = [Float](repeating: 0, count: shape.blocks)
        let codebook = Codebook(Self.codeValues)
        for row in 0..<rows {
            for block in 0..<shape.blocksInRow {
                let first = block * NF4Shape.blockValues
                let last = min(columns, first + NF4Shape.blockValues)
                let values = source[row * columns + first..<row * columns + last]
                let highest = values.reduce(Float(0)) { max($0, $1.magnitude) }
                largest[row * shape.blocksInRow + block] = highest
                for column in first..<last {
                    let value = source[row * columns + column]
                    let code = codebook.nearest(highest > 0 ? value / highest : 0)
                    codes[row * shape.rowBytes + column / 2] |= column % 2 == 0 ? code << 4 : code
                }
            }
        }
        offset = Float(largest.reduce(0.0) { $0 + Double($1) } / Double(max(1, largest.count)))
        let map = Codebook(Self.absmaxMap)
        for first in stride(from: 0, to: largest.count, by: NF4Shape.scaleBlocks) {
            let range = first..<min(largest.count, first + NF4Shape.scaleBlocks)
            let scale = largest[range].reduce(Float(0)) { max($0, ($1 - offset).magnitude) }
            scales[first / NF4Shape.scaleBlocks] = scale
            for index in range { absmax[index] = map.nearest(scale > 0 ? (largest[index] - offset) / scale : 0) }
        }
    }

    /// `[rows, columns]`
    package var dequantised: [Float] {
        [Float](unsafeUninitializedCapacity: rows * columns) { target, initialized in
            codes.withUnsafeBufferPointer { codes in
                absmax.withUnsafeBufferPointer { absmax in
                    scales.withUnsafeBufferPointer { scales in
                        var parts = shoal_nf4(
                            codes: codes.baseAddress, absmax: absmax.baseAddress, scales: scales.baseAddress,
                            offset: offset)
                        shoal_dequantise_nf4(&parts, SHOAL_FLOAT32, target.baseAddress, rows, columns)
                    }
                }
            }
            initialized = rows * columns
        }
    }
}

/// Ascending numbers, and the halves between neighbours.
private struct Codebook {
    private let middles: [Float]

    init(_ values: [Float]) {
        middles = zip(values, values.dropFirst()).map { Float((Double($0) + Double($1)) / 2) }
    }

    /// How many middles lie below, by halving.
    func nearest(_ value: Float) -> UInt8 {
        var low = 0
        var high = middles.count
        while low < high {
            let middle = (low + high) / 2
            if value > middles[middle] { low = middle + 1 } else { high = middle }
        }
        return UInt8(low)
    }
}
