internal import CKernels

/// Entropy-codes symbols: 32 rANS coders take turns, so that a vector unit runs them side by side.
///
/// A coder's state grows with each symbol and sheds its low 16 bits where it would pass 2³¹. The stream is those
/// 16-bit words in order, then the 32 final states (4 bytes each), all little-endian; ``RANSDecoder`` reads it from its
/// end.
package struct RANSEncoder {
    /// Symbols in a group: one for each coder.
    static let lanes = 32
    static let stateBytes = 4 * lanes
    private static let piece = 4_096

    private let model: RANSModel
    private var states = [UInt32](repeating: 1 << 15, count: lanes)
    private var words = [UInt16](repeating: 0, count: piece + 16)
    private(set) var bytes: [UInt8]

    /// - Parameter bytes: What the stream is appended to.
    package init(_ model: RANSModel, appendingTo bytes: [UInt8] = []) {
        self.model = model
        self.bytes = bytes
    }

    /// The number of symbols that are coded for `count` of them: whole groups.
    package static func padded(_ count: Int) -> Int { (count + lanes - 1) / lanes * lanes }

    /// - Parameter symbols: A multiple of ``lanes``, each with a frequency above 0 in the model.
    package mutating func append(_ symbols: ArraySlice<UInt16>) {
        precondition(symbols.count.isMultiple(of: Self.lanes), "\(symbols.count) symbols are no whole groups")
        symbols.withUnsafeBufferPointer { symbols in
            for first in stride(from: 0, to: symbols.count, by: Self.piece) {
                let part = UnsafeBufferPointer(rebasing: symbols[first..<min(first + Self.piece, symbols.count)])
                let written = shoal_rans_encode(
                    part.baseAddress, part.count, UInt32(model.rawBits), model.entries, model.reciprocals, &states,
                    &words)
                words.withUnsafeBytes { bytes.append(contentsOf: $0[..<(2 * written)]) }
            }
        }
    }

    /// Everything, the final states included.
    package consuming func finish() -> [UInt8] {
        states.withUnsafeBytes { bytes.append(contentsOf: $0) }
        return bytes
    }
}
