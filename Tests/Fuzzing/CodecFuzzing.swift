import Federation
import ModelFiles
import Randomness

/// Updates of one codec: the first byte picks its parameters, two the number of values, one the seed; the rest is what was
/// uploaded.
struct CodecFuzzing {
    private static let names = [
        "dense", "bfloat16", "int8", "eden:bits=1", "eden:bits=4", "eden:bits=8", "eden:bits=2,quantiser=lloyd-max",
        "ternary", "ternary:density=0.9", "topk", "topk:density=0.1,bits=1", "topk:density=0.8,bits=8", "trellis",
        "trellis:bits=0.5", "trellis:bits=0.0625",
    ]

    private let codecs: [any UpdateCodec]

    /// - Parameter name: Without parameters.
    init(of name: String) {
        codecs = Self.names.compactMap(CodecName.init).filter { $0.name == name }.compactMap { try? Codecs.make($0) }
        precondition(!codecs.isEmpty, "no codec \(name)")
    }

    func reader() throws -> FuzzTarget.Reader {
        let file = try InputFile("update")
        return { input in
            guard input.count >= 4 else { return false }
            let codec = codecs[Int(input[0]) % codecs.count]
            let count = Int(input[1]) | Int(input[2] & 0x1F) << 8
            return try Self.read(Array(input.dropFirst(4)), codec, count: count, seed: UInt64(input[3]), file)
        }
    }

    private static func read(
        _ bytes: [UInt8], _ codec: any UpdateCodec, count: Int, seed: UInt64, _ file: InputFile
    ) throws -> Bool {
        let norm = bytes.withUnsafeBytes { try? codec.norm(of: $0, count: count, seed: seed) }
        // Updates are added as the coordinator stored them: mapped.
        try file.write(bytes)
        let update = EncodedUpdate(try MappedFile(path: file.path), seed: seed, weight: 1)
        var sum = [Double](repeating: 0, count: count)
        let isAdded = sum.withUnsafeMutableBufferPointer { (try? codec.add([update], count: count, to: $0)) != nil }
        guard let values = try? codec.decode(bytes, count: count, seed: seed) else {
            // A coordinator checks by the norm what it adds later.
            try expect(norm == nil, "\(codec.name): a norm of what does not decode")
            return false
        }
        try expect(norm != nil && isAdded, "\(codec.name): decodes, and has no norm or sum")
        try expect(values.count == count && values.allSatisfy(\.isFinite), "\(codec.name): not \(count) finite values")
        try expect(bytes.count <= codec.maximumEncodedBytes(count: count), "\(codec.name): longer than it announces")
        try expect(zip(values, sum).allSatisfy { Double($0) == $1 }, "\(codec.name): another sum")
        return true
    }

    func seeds() -> [[UInt8]] {
        codecs.indices.flatMap { index in
            [0, 1, 33, 70, 300].map { (count: Int) -> [UInt8] in
                var random = CounterRandom(key: UInt64(count))
                let values = (0..<count).map { _ in random.uniform() - 0.5 }
                let header = [UInt8(index), UInt8(count & 0xFF), UInt8(count >> 8), 7]
                return header + codecs[index].encode(values, seed: 7)
            }
        }
    }
}

/// The entropy coder: the first byte picks the frequencies, the second the number of groups; the rest is the stream.
enum RANSFuzzing {
    private static let models = [
        RANSModel(frequencies: [2_048, 2_048]), RANSModel(frequencies: [1, 4_095]),
        RANSModel(frequencies: [4_095, 0, 1], rawBits: 1),
        RANSModel(frequencies: [3, 5, 7, 11, 13, 4_057], rawBits: 2),
        RANSModel(frequencies: [Int](repeating: 16, count: 256), rawBits: 3),
    ]

    static func reader() throws -> FuzzTarget.Reader {
        { input in
            guard input.count >= 2 else { return false }
            let model = models[Int(input[0]) % models.count]
            var symbols = [UInt16](repeating: .max, count: 32 * (Int(input[1]) + 1))
            let range = 2..<input.count
            do {
                var decoder = try RANSDecoder(model, codec: "rans", bytes: input, range: range)
                try decoder.take(symbols.count, into: &symbols)
                try decoder.finish()
            } catch {
                return false
            }
            var encoder = RANSEncoder(model)
            encoder.append(symbols[...])
            // One stream stands for one row of symbols.
            try expect(encoder.finish() == Array(input[range]), "a stream that the encoder does not write")
            return true
        }
    }

    static func seeds() -> [[UInt8]] {
        models.indices.flatMap { index in
            [0, 3, 200].map { (groups: Int) -> [UInt8] in
                var encoder = RANSEncoder(models[index])
                var random = CounterRandom(key: UInt64(groups))
                // The first and the last symbol of each model, whose raw bits are 0.
                let last: UInt16 = [1, 1, 4, 20, 2_040][index]
                let symbols = (0..<(32 * (groups + 1))).map { _ in random.index(below: 3) == 0 ? last : 0 }
                encoder.append(symbols[...])
                return [UInt8(index), UInt8(groups)] + encoder.finish()
            }
        }
    }
}
