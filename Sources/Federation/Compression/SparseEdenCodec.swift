internal import CKernels
internal import ModelFiles

/// `sparse-eden:density=P`: EDEN (``EdenCodec``) below one bit a coordinate, where its best quantiser keeps the share P of
/// largest rotated values, as ±1, and drops the rest.
///
/// What is dropped is noise that differs from worker to worker and averages out, not a part of the update that is left
/// behind: the whole update arrives at once, in expectation. Where workers take part now and then, error feedback
/// delivers what a biased codec left out only when they come back.
///
/// Bytes: one float32 factor a chunk (0: the chunk is zero and keeps nothing), then places and signs of all chunks
/// (``SparsePlaces``), left out where no chunk keeps anything.
public struct SparseEdenCodec: UpdateCodec {
    public let name: CodecName
    public let isUnbiased = true
    private let density: Double
    private let places: SparsePlaces

    init(_ name: CodecName, _ parameters: inout CodecParameters) throws(CodecError) {
        self.name = name
        density = try parameters.fraction("density", default: 0.03)
        places = SparsePlaces(density: density)
    }

    public func encode(_ update: [Float], seed: UInt64) -> [UInt8] {
        var rotation = RandomRotation(count: update.count, seed: seed)
        let padded = RandomRotation.paddedCount(of: update.count)
        var symbols = [UInt16](repeating: 0, count: padded)
        var factors: [Float] = []
        var kept = 0
        for (index, chunk) in rotation.chunks.enumerated() {
            let norm = EdenCodec.norm(update, chunk)
            guard norm > EdenCodec.smallestNorm, norm.isFinite else {
                factors.append(0)
                continue
            }
            var rotated = [Float](repeating: 0, count: chunk.size)
            rotation.rotate(update, chunk: index, factor: Float(1 / norm), into: &rotated)
            let largest = LargestValues(of: rotated, density: density)
            factors.append(Float(min(norm / largest.magnitudeSum, Double(Float.greatestFiniteMagnitude))))
            for place in 0..<chunk.size { symbols[chunk.start + place] = largest.symbols[place] }
            kept += largest.count
        }
        var bytes: [UInt8] = []
        LittleEndian.append(factors, to: &bytes)
        if kept > 0 { places.append(symbols, kept: kept, to: &bytes) }
        return bytes
    }

    public func decode(_ bytes: [UInt8], count: Int, seed: UInt64) throws(CodecError) -> [Float] {
        try Codecs.checkCount(count)
        let headerBytes = 4 * RandomRotation.chunkCount(of: count)
        guard bytes.count >= headerBytes, bytes.count <= maximumEncodedBytes(count: count) else {
            throw .malformed(codec: name.name, reason: "are too few or too many for \(count) values")
        }
        let factors = LittleEndian.floats(bytes, at: 0, count: headerBytes / 4)
        // No decoded value of a chunk exceeds its factor times the number of its values.
        let limit = Float.greatestFiniteMagnitude / Float(2 * RandomRotation.largest)
        guard factors.allSatisfy({ $0 >= 0 && $0 <= limit }) else {
            throw .malformed(codec: name.name, reason: "hold a factor that is negative or too large")
        }
        guard !factors.allSatisfy({ $0 == 0 }) else {
            guard bytes.count == headerBytes else {
                throw .malformed(codec: name.name, reason: "go on after the last value")
            }
            return [Float](repeating: 0, count: count)
        }
        let padded = RandomRotation.paddedCount(of: count)
        let found = try places.read(bytes, headerBytes..<bytes.count, count: padded, codec: name.name)
        var rotation = RandomRotation(count: count, seed: seed)
        var rotated = [Float](repeating: 0, count: RandomRotation.largest)
        var update = [Float](repeating: 0, count: count)
        var next = 0
        for (index, chunk) in rotation.chunks.enumerated() {
            for place in 0..<chunk.size { rotated[place] = 0 }
            while next < found.count, Int(found[next] >> 1) < chunk.start + chunk.size {
                rotated[Int(found[next] >> 1) - chunk.start] = found[next] & 1 == 1 ? -1 : 1
                next += 1
            }
            guard factors[index] > 0 else { continue }
            update.withUnsafeMutableBufferPointer { update in
                guard let values = update.baseAddress else { return }
                rotation.restore(&rotated, chunk: index, factor: factors[index], into: values)
            }
        }
        return update
    }

    public func maximumEncodedBytes(count: Int) -> Int {
        guard (0...Codecs.maximumCount).contains(count) else { return Int.max }
        let padded = RandomRotation.paddedCount(of: count)
        let chunks = RandomRotation.chunkCount(of: count)
        // Each chunk rounds its share to whole values.
        let kept = min(padded, Int(density * Double(padded)) + chunks + 1)
        return 4 * chunks + places.maximumBytes(count: padded, kept: kept)
    }
}
