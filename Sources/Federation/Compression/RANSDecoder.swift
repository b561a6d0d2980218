internal import CKernels

/// Takes back what ``RANSEncoder`` appended, the last symbols first.
///
/// Whatever the bytes, a state stays in its range and every symbol has a frequency: damage shows as missing or unread
/// words, or as states that do not end where the encoder's began.
package struct RANSDecoder {
    private let codec: String
    private let model: RANSModel
    private let bytes: [UInt8]
    private let start: Int
    private var available: Int
    private var states: [UInt32]

    /// - Parameters:
    ///   - codec: Whose update this is, for errors.
    ///   - range: Where the stream lies in `bytes`.
    package init(_ model: RANSModel, codec: String, bytes: [UInt8], range: Range<Int>) throws(CodecError) {
        let wordBytes = range.count - RANSEncoder.stateBytes
        guard wordBytes >= 0, wordBytes.isMultiple(of: 2), range.upperBound <= bytes.count else {
            throw .malformed(codec: codec, reason: "end too early or within a word")
        }
        self.codec = codec
        self.model = model
        self.bytes = bytes
        start = range.lowerBound
        available = wordBytes / 2
        states = bytes.withUnsafeBytes { bytes in
            (0..<RANSEncoder.lanes).map { lane in
                let offset = range.upperBound - RANSEncoder.stateBytes + 4 * lane
                return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            }
        }
        guard states.allSatisfy({ (1 << 15..<1 << 31).contains($0) }) else {
            throw .malformed(codec: codec, reason: "hold a coder's state out of range")
        }
    }

    /// - Parameters:
    ///   - count: Symbols to take, those of the encoder's last ones that are left; a multiple of 32.
    ///   - symbols: Gets them in the order in which they were appended, in its first `count` places.
    package mutating func take(_ count: Int, into symbols: inout [UInt16]) throws(CodecError) {
        precondition(count <= symbols.count && count.isMultiple(of: RANSEncoder.lanes), "\(count) symbols")
        let left = bytes.withUnsafeBytes { bytes in
            // Words need no alignment: the kernel reads them as vectors, or one by one on a machine that allows it.
            // The states behind the words are the 64 readable bytes that the kernel asks for.
            let words = bytes.baseAddress?.advanced(by: start).assumingMemoryBound(to: UInt16.self)
            return shoal_rans_decode(&symbols, count, UInt32(model.rawBits), model.slots, &states, words, available)
        }
        guard left >= 0 else { throw .malformed(codec: codec, reason: "end before the last value") }
        available = left
    }

    /// Checks that everything was taken.
    package func finish() throws(CodecError) {
        guard available == 0, states.allSatisfy({ $0 == 1 << 15 }) else {
            throw .malformed(codec: codec, reason: "go on after the last value")
        }
    }
}
