internal import CKernels

/// Most coordinates kept, each a symbol (0, + or −) of an entropy code that knows the share that is kept.
struct SignCode: Sendable {
    private let model: RANSModel
    private static let piece = 4_096

    /// - Parameter density: The share of kept values, above 0 and at most 1.
    init(density: Double) {
        let signed = max(1, min(RANSModel.total / 2 - 1, Int((density * Double(RANSModel.total) / 2).rounded())))
        model = RANSModel(frequencies: [RANSModel.total - 2 * signed, signed, signed])
    }

    /// Appends the code of `symbols`, whole groups of a ``RANSEncoder``.
    func append(_ symbols: [UInt16], to bytes: inout [UInt8]) {
        var encoder = RANSEncoder(model, appendingTo: bytes)
        encoder.append(symbols[...])
        bytes = encoder.finish()
    }

    func maximumBytes(count: Int) -> Int {
        // A symbol costs at most 12 bits.
        RANSEncoder.stateBytes + 2 * RANSEncoder.padded(count)
    }

    /// ±`magnitude` or 0 for each coordinate.
    func read(
        _ bytes: [UInt8], _ range: Range<Int>, magnitude: Float, count: Int, codec: String
    ) throws(CodecError) -> [Float] {
        var decoder = try RANSDecoder(model, codec: codec, bytes: bytes, range: range)
        var symbols = [UInt16](repeating: 0, count: Self.piece)
        var update = [Float](repeating: 0, count: count)
        for start in stride(from: 0, to: count, by: Self.piece).reversed() {
            let values = min(Self.piece, count - start)
            try decoder.take(RANSEncoder.padded(values), into: &symbols)
            update.withUnsafeMutableBufferPointer { update in
                shoal_ternary_values(symbols, magnitude, update.baseAddress.map { $0 + start }, values)
            }
        }
        try decoder.finish()
        return update
    }
}
