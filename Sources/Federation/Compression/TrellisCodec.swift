internal import CKernels
internal import ModelFiles
internal import Randomness

/// `trellis:bits=R`: EDEN (``EdenCodec``) below half a bit a coordinate, where its quantiser is a trellis code (Marcellin
/// and Fischer 1990) over random rows (``TrellisBook``).
///
/// One bit stands for 1/R rotated values at once, and which values it stands for depends on the eight bits before it, so
/// that long sequences are chosen together: at a quarter of a bit that catches nine tenths of the energy that any code
/// could, where the largest values and their places catch seven. What is lost is noise that differs from worker to worker
/// and averages out, not a part of the update that is left behind: the whole update arrives at once, in expectation.
/// Where workers take part now and then, error feedback delivers what a biased codec left out only when they come back.
///
/// Bytes: one bfloat16 factor a chunk (0: the chunk is zero and has no path), then the chunks' paths as bits, the lowest of
/// a byte first, the last byte filled up with zeros.
public struct TrellisCodec: UpdateCodec {
    public let name: CodecName
    public let isUnbiased = true
    private let book: TrellisBook

    init(_ name: CodecName, _ parameters: inout CodecParameters) throws(CodecError) {
        self.name = name
        book = TrellisBook(bits: try parameters.number("bits", in: 0.0625...0.5, default: 0.25))
    }

    public func encode(_ update: [Float], seed: UInt64) -> [UInt8] {
        var rotation = RandomRotation(count: update.count, seed: seed)
        var factors: [UInt16] = []
        var paths = BitString()
        var rotated = [Float](repeating: 0, count: RandomRotation.largest)
        var levels = rotated
        let stepsMax = book.steps(size: RandomRotation.largest)
        var choices = [UInt8](repeating: 0, count: stepsMax * Int(SHOAL_TRELLIS_STATES) / 2)
        var path = [UInt8](repeating: 0, count: stepsMax)
        for (index, chunk) in rotation.chunks.enumerated() {
            let norm = EdenCodec.norm(update, chunk)
            guard norm > EdenCodec.smallestNorm, norm.isFinite else {
                factors.append(0)
                continue
            }
            rotation.rotate(update, chunk: index, factor: Float(1 / norm), into: &rotated)
            flipSigns(&rotated, chunk: index, size: chunk.size, seed: seed)
            let starts = book.starts(size: chunk.size)
            shoal_trellis_encode(rotated, starts, starts.count - 1, book.columns, &choices, &path)
            let bits = BitString(path[..<(starts.count - 1)])
            shoal_trellis_decode(bits.bytes, starts, starts.count - 1, book.rows, book.width, &levels)
            var product = 0.0
            for place in 0..<chunk.size { product += Double(rotated[place]) * Double(levels[place]) }
            // As in EDEN, a factor that keeps the part along the update as it is makes the rest cancel over rotations.
            let factor = BFloat16Codec.half(Float(min(norm / product, Double(Float.greatestFiniteMagnitude))))
            // A path that points away from the update is one in thousands, and of chunks of 64 values alone.
            factors.append(product > 0 && factor < TrellisCodec.largestFactor ? factor : 0)
            if factors.last != 0 { paths.append(bits) }
        }
        var bytes: [UInt8] = []
        for factor in factors { LittleEndian.append(factor, to: &bytes) }
        return bytes + paths.bytes
    }

    public func decode(_ bytes: [UInt8], count: Int, seed: UInt64) throws(CodecError) -> [Float] {
        try Codecs.checkCount(count)
        let headerBytes = 2 * RandomRotation.chunkCount(of: count)
        guard bytes.count >= headerBytes, bytes.count <= maximumEncodedBytes(count: count) else {
            throw .malformed(codec: name.name, reason: "are too few or too many for \(count) values")
        }
        let factors = LittleEndian.halfWords(bytes, at: 0, count: headerBytes / 2)
        guard factors.allSatisfy({ $0 < Self.largestFactor }) else {
            throw .malformed(codec: name.name, reason: "hold a factor that is negative or too large")
        }
        var rotation = RandomRotation(count: count, seed: seed)
        let steps = zip(rotation.chunks, factors).reduce(0) { $1.1 == 0 ? $0 : $0 + book.steps(size: $1.0.size) }
        guard bytes.count - headerBytes == (steps + 7) / 8 else {
            throw .malformed(codec: name.name, reason: "are too few or too many for the chunks they name")
        }
        var paths = BitReader(bytes, from: headerBytes)
        var rotated = [Float](repeating: 0, count: RandomRotation.largest)
        var update = [Float](repeating: 0, count: count)
        for (index, chunk) in rotation.chunks.enumerated() where factors[index] != 0 {
            let starts = book.starts(size: chunk.size)
            let path = paths.take(starts.count - 1)
            shoal_trellis_decode(path, starts, starts.count - 1, book.rows, book.width, &rotated)
            flipSigns(&rotated, chunk: index, size: chunk.size, seed: seed)
            update.withUnsafeMutableBufferPointer { update in
                guard let values = update.baseAddress else { return }
                let factor = Float(bitPattern: UInt32(factors[index]) << 16)
                rotation.restore(&rotated, chunk: index, factor: factor, into: values)
            }
        }
        return update
    }

    public func maximumEncodedBytes(count: Int) -> Int {
        guard (0...Codecs.maximumCount).contains(count) else { return Int.max }
        // Each chunk rounds its steps up.
        let chunks = RandomRotation.chunkCount(of: count)
        return 2 * chunks + (book.steps(size: RandomRotation.paddedCount(of: count)) + chunks + 7) / 8
    }

    /// Flips a random half of the signs: what the rows have in common would else favour some values of every update.
    private func flipSigns(_ values: inout [Float], chunk: Int, size: Int, seed: UInt64) {
        let key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        // The rotation's own signs have 0 in the third place.
        let signs = (0..<((size + 127) / 128)).flatMap { block in
            let words = CounterRandom.philox(counter: (UInt32(block), UInt32(chunk), 1, 0), key: key)
            return [UInt64(words.1) << 32 | UInt64(words.0), UInt64(words.3) << 32 | UInt64(words.2)]
        }
        values.withUnsafeMutableBufferPointer { values in
            shoal_flip_signs(values.baseAddress, signs, 1, values.baseAddress, size)
        }
    }

    /// Factors from this one on, 2¹¹⁰ (and negative ones, and what is no number), are refused: no decoded value then
    /// leaves float32's range, as a row's value is at most 4 and a chunk adds up 4,096.
    private static let largestFactor: UInt16 = 0x7680
}
