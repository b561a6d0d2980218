internal import CKernels

/// `ternary:density=P`: the share P of largest values becomes ±μ, their mean magnitude, and the rest 0 (sparse ternary
/// compression, Sattler et al. 2019, arXiv:1903.02891).
///
/// The paper codes the gaps between kept values with Golomb's code. Here each coordinate is a symbol (0, + or −) of an
/// entropy code that knows P: close to the entropy H(P) + P bits a coordinate, where Golomb's code is a few percent
/// above it, and no slower.
///
/// Bytes: μ as float32, then the symbols as one rANS stream, left out where μ is 0.
public struct TernaryCodec: UpdateCodec {
    public let name: CodecName
    public let isUnbiased = false
    private let density: Double
    private let model: RANSModel
    private static let piece = 4_096

    init(_ name: CodecName, _ parameters: inout CodecParameters) throws(CodecError) {
        self.name = name
        density = try parameters.fraction("density", default: 0.01)
        let signed = max(1, min(RANSModel.total / 2 - 1, Int((density * Double(RANSModel.total) / 2).rounded())))
        model = RANSModel(frequencies: [RANSModel.total - 2 * signed, signed, signed])
    }

    public func encode(_ update: [Float], seed: UInt64) -> [UInt8] {
        guard !update.isEmpty else { return [] }
        let largest = LargestValues(of: update, density: density)
        let magnitude = largest.count == 0 ? 0 : Float(largest.magnitudeSum / Double(largest.count))
        var bytes: [UInt8] = []
        LittleEndian.append([magnitude], to: &bytes)
        guard magnitude > 0 else { return bytes }
        var encoder = RANSEncoder(model, appendingTo: bytes)
        encoder.append(largest.symbols[...])
        return encoder.finish()
    }

    public func decode(_ bytes: [UInt8], count: Int, seed: UInt64) throws(CodecError) -> [Float] {
        try Codecs.checkCount(count)
        guard count > 0 else {
            guard bytes.isEmpty else { throw .wrongLength(codec: name.name, expected: 0, actual: bytes.count) }
            return []
        }
        guard bytes.count >= 4, bytes.count <= maximumEncodedBytes(count: count) else {
            throw .malformed(codec: name.name, reason: "are too few or too many for \(count) values")
        }
        let magnitude = LittleEndian.floats(bytes, at: 0, count: 1)[0]
        guard magnitude >= 0, magnitude.isFinite else {
            throw .malformed(codec: name.name, reason: "hold a magnitude that is negative or not finite")
        }
        guard magnitude > 0 else {
            guard bytes.count == 4 else { throw .malformed(codec: name.name, reason: "go on after the last value") }
            return [Float](repeating: 0, count: count)
        }
        var decoder = try RANSDecoder(model, codec: name.name, bytes: bytes, range: 4..<bytes.count)
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

    public func maximumEncodedBytes(count: Int) -> Int {
        guard (0...Codecs.maximumCount).contains(count) else { return Int.max }
        // A symbol costs at most 12 bits.
        return count == 0 ? 0 : 4 + RANSEncoder.stateBytes + 2 * RANSEncoder.padded(count)
    }
}
