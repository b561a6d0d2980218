internal import CKernels

/// `eden:bits=R`: a random rotation, a quantiser for the normal distribution, and an unbiased scale (EDEN, Vargaftik et
/// al. 2022, arXiv:2108.08842, which follows DRIVE, arXiv:2105.08339).
///
/// With z = H·D·x/√d and q the quantised z, the decoder returns S·(H·D)⁻¹·q where S = ‖x‖² / ⟨z, q⟩: over random
/// rotations, that is x on average. `quantiser=uniform`, the default, rounds to multiples of one step and entropy-codes
/// them with frequencies known beforehand, for R bits a coordinate in all; `quantiser=lloyd-max` is the paper's, 2^R
/// levels of R bits each.
///
/// Bytes: one float32 factor a chunk (0: the chunk is zero and has no symbols), then the chunks' symbols as one rANS
/// stream, left out where no chunk has any.
public struct EdenCodec: UpdateCodec {
    enum QuantiserName: String, CaseIterable {
        case uniform
        case lloydMax = "lloyd-max"
    }

    public let name: CodecName
    public let isUnbiased = true
    private let quantiser: any NormalQuantiser

    init(_ name: CodecName, _ parameters: inout CodecParameters) throws(CodecError) {
        self.name = name
        let bits = try parameters.integer("bits", in: 1...8, default: 4)
        quantiser =
            switch try parameters.word("quantiser", default: QuantiserName.uniform) {
            case .uniform: UniformQuantiser(bits: bits)
            case .lloydMax: LloydMaxQuantiser(bits: bits)
            }
    }

    public func encode(_ update: [Float], seed: UInt64) -> [UInt8] {
        var rotation = RandomRotation(count: update.count, seed: seed)
        var factors: [Float] = []
        var encoder = RANSEncoder(quantiser.model)
        var rotated = [Float](repeating: 0, count: RandomRotation.largest)
        var symbols = [UInt16](repeating: 0, count: RandomRotation.largest)
        for (index, chunk) in rotation.chunks.enumerated() {
            let norm = Self.norm(update, chunk)
            guard norm > Self.smallestNorm, norm.isFinite else {
                factors.append(0)
                continue
            }
            // Of unit length before the rotation, so of unit variance after it.
            rotation.rotate(update, chunk: index, factor: Float(1 / norm), into: &rotated)
            let product = quantiser.quantise(rotated, count: chunk.size, into: &symbols)
            factors.append(Float(min(norm / product, Double(Float.greatestFiniteMagnitude))))
            encoder.append(symbols[..<chunk.size])
        }
        let header = factors.withUnsafeBytes { [UInt8]($0) }
        return factors.allSatisfy { $0 == 0 } ? header : header + encoder.finish()
    }

    public func decode(_ bytes: [UInt8], count: Int, seed: UInt64) throws(CodecError) -> [Float] {
        try Codecs.checkCount(count)
        let headerBytes = 4 * RandomRotation.chunkCount(of: count)
        guard bytes.count >= headerBytes, bytes.count <= maximumEncodedBytes(count: count) else {
            throw .malformed(codec: name.name, reason: "are too few or too many for \(count) values")
        }
        let factors = LittleEndian.floats(bytes, at: 0, count: headerBytes / 4)
        // No decoded value of a chunk exceeds its factor times the sum of its levels.
        let limit = Float.greatestFiniteMagnitude / (Float(RandomRotation.largest) * quantiser.largestLevel * 2)
        guard factors.allSatisfy({ $0 >= 0 && $0 <= limit }) else {
            throw .malformed(codec: name.name, reason: "hold a factor that is negative or too large")
        }
        guard !factors.allSatisfy({ $0 == 0 }) else {
            guard bytes.count == headerBytes else {
                throw .malformed(codec: name.name, reason: "go on after the last value")
            }
            return [Float](repeating: 0, count: count)
        }
        var decoder = try RANSDecoder(
            quantiser.model, codec: name.name, bytes: bytes, range: headerBytes..<bytes.count)
        var rotation = RandomRotation(count: count, seed: seed)
        var rotated = [Float](repeating: 0, count: RandomRotation.largest)
        var symbols = [UInt16](repeating: 0, count: RandomRotation.largest)
        var update = [Float](repeating: 0, count: count)
        for index in rotation.chunks.indices.reversed() where factors[index] > 0 {
            let size = rotation.chunks[index].size
            try decoder.take(size, into: &symbols)
            quantiser.levels(of: symbols, count: size, into: &rotated)
            update.withUnsafeMutableBufferPointer { update in
                guard let values = update.baseAddress else { return }
                rotation.restore(&rotated, chunk: index, factor: factors[index], into: values)
            }
        }
        try decoder.finish()
        return update
    }

    public func maximumEncodedBytes(count: Int) -> Int {
        guard (0...Codecs.maximumCount).contains(count) else { return Int.max }
        // A symbol costs at most 15 bits.
        return 4 * RandomRotation.chunkCount(of: count) + RANSEncoder.stateBytes
            + 2 * RandomRotation.paddedCount(of: count)
    }

    /// Below it a chunk counts as zero: its reciprocal would leave float32's range.
    static let smallestNorm = 0x1p-100

    static func norm(_ update: [Float], _ chunk: RandomRotation.Chunk) -> Double {
        update.withUnsafeBufferPointer { values in
            shoal_squared_norm(values.baseAddress.map { $0 + chunk.start }, chunk.count).squareRoot()
        }
    }
}
