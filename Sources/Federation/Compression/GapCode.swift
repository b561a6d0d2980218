internal import CKernels

/// Few values among many: the gaps between their places in Golomb's code, each followed by a sign bit (Sattler et al.
/// 2019, arXiv:1903.02891, section III-C).
///
/// Of Golomb's codes only those with a power of two are used (Rice's), the best for the share of values that is kept: 0.3%
/// above the entropy at a hundredth, 2% at most at others. Unlike an entropy code over all coordinates, reading costs
/// time for kept values alone, and a short update has no coder's state to carry.
struct GapCode: Sendable {
    /// Low bits of a gap that are written as they are.
    let riceBits: UInt32

    /// - Parameter density: The share of kept values, above 0 and below 1.
    init(density: Double) {
        // Gaps are geometric, so one takes k + 1 / (1 − (1 − p)^(2^k)) bits on average. Multiplications only: both sides
        // of the wire must find the same k.
        var dropped = 1 - density
        var best = (bits: 1 / (1 - dropped), low: UInt32(0))
        for low in 1...UInt32(31) {
            dropped *= dropped
            let bits = Double(low) + 1 / (1 - dropped)
            if bits < best.bits { best = (bits, low) }
        }
        riceBits = best.low
    }

    /// Appends the code of `symbols`: 1 for a positive value, 2 for a negative one, 0 for all others.
    ///
    /// - Parameter kept: How many are not 0.
    func append(_ symbols: [UInt16], kept: Int, to bytes: inout [UInt8]) {
        bytes += [UInt8](unsafeUninitializedCapacity: maximumBytes(count: symbols.count, kept: kept) + 8) {
            $1 = shoal_gaps_write(symbols, symbols.count, riceBits, $0.baseAddress)
        }
    }

    func maximumBytes(count: Int, kept: Int) -> Int {
        (kept * (Int(riceBits) + 2) + count >> Int(riceBits)) / 8 + 1
    }

    /// Reads places and signs, a few thousand at a time.
    ///
    /// - Parameters:
    ///   - bytes: Nothing but the code.
    ///   - count: Coordinates; no place is beyond.
    ///   - body: Gets place << 1 | (1 for a negative value), in ascending order.
    func read(
        _ bytes: UnsafeRawBufferPointer, count: Int, codec: String, _ body: (UnsafeBufferPointer<UInt32>) -> Void
    ) throws(CodecError) {
        let piece = 4_096
        var place = shoal_gap_place()
        var values = [UInt32](repeating: 0, count: piece)
        let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        var read = piece
        while read == piece {
            read = shoal_gaps_read(start, bytes.count, riceBits, count, &place, &values, piece)
            guard (0...piece).contains(read) else {
                throw .malformed(codec: codec, reason: "are cut short or go beyond the last value")
            }
            values.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[..<read])) }
        }
    }
}
