internal import CKernels
internal import ModelFiles

/// `ternary:density=P`: the share P of largest values becomes ±μ, their mean magnitude, and the rest 0 (sparse ternary
/// compression, Sattler et al. 2019, arXiv:1903.02891).
///
/// Bytes: μ as float32, then, unless μ is 0, places and signs (``SparsePlaces``).
public struct TernaryCodec: UpdateCodec {
    public let name: CodecName
    public let isUnbiased = false
    private let density: Double
    private let places: SparsePlaces

    init(_ name: CodecName, _ parameters: inout CodecParameters) throws(CodecError) {
        self.name = name
        density = try parameters.fraction("density", default: 0.01)
        places = SparsePlaces(density: density)
    }

    public func encode(_ update: [Float], seed: UInt64) -> [UInt8] {
        guard !update.isEmpty else { return [] }
        let largest = LargestValues(of: update, density: density)
        let magnitude = largest.count == 0 ? 0 : Float(largest.magnitudeSum / Double(largest.count))
        var bytes: [UInt8] = []
        LittleEndian.append([magnitude], to: &bytes)
        guard magnitude > 0 else { return bytes }
        places.append(largest.symbols, kept: largest.count, to: &bytes)
        return bytes
    }

    public func decode(_ bytes: [UInt8], count: Int, seed: UInt64) throws(CodecError) -> [Float] {
        guard let magnitude = try bytes.lend({ (bytes) throws(CodecError) in try magnitude(bytes, count) })
        else { return [Float](repeating: 0, count: count) }
        if case .signs(let code) = places {
            return try code.read(bytes, 4..<bytes.count, magnitude: magnitude, count: count, codec: name.name)
        }
        var update = [Float](repeating: 0, count: count)
        for place in try places.read(bytes, 4..<bytes.count, count: count, codec: name.name) {
            update[Int(place >> 1)] = place & 1 == 0 ? magnitude : -magnitude
        }
        return update
    }

    /// Only what is not 0 is touched: adding 0 changes nothing.
    public func add(
        _ updates: [EncodedUpdate], count: Int, to sum: UnsafeMutableBufferPointer<Double>
    ) throws(CodecError) {
        guard case .gaps(let code) = places else { return try addDecoded(updates, count: count, to: sum) }
        for update in updates {
            try update.bytes.withBytes { (bytes) throws(CodecError) in
                guard let magnitude = try magnitude(bytes, count) else { return }
                let amount = update.weight * Double(magnitude)
                let gaps = UnsafeRawBufferPointer(rebasing: bytes[4...])
                try code.read(gaps, count: count, codec: name.name) { values in
                    shoal_add_places(values.baseAddress, values.count, amount, sum.baseAddress)
                }
            }
        }
    }

    public func maximumEncodedBytes(count: Int) -> Int {
        guard (0...Codecs.maximumCount).contains(count) else { return Int.max }
        guard count > 0 else { return 0 }
        return 4 + places.maximumBytes(count: count, kept: LargestValues.wanted(of: count, density: density))
    }

    /// μ; `nil` for an update of zeros.
    private func magnitude(_ bytes: UnsafeRawBufferPointer, _ count: Int) throws(CodecError) -> Float? {
        try Codecs.checkCount(count)
        guard count > 0 else {
            guard bytes.isEmpty else { throw .wrongLength(codec: name.name, expected: 0, actual: bytes.count) }
            return nil
        }
        guard bytes.count >= 4, bytes.count <= maximumEncodedBytes(count: count) else {
            throw .malformed(codec: name.name, reason: "are too few or too many for \(count) values")
        }
        let magnitude = Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)))
        guard magnitude >= 0, magnitude.isFinite else {
            throw .malformed(codec: name.name, reason: "hold a magnitude that is negative or not finite")
        }
        guard magnitude > 0 else {
            guard bytes.count == 4 else { throw .malformed(codec: name.name, reason: "go on after the last value") }
            return nil
        }
        return magnitude
    }
}
