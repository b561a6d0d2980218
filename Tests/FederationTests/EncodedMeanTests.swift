import Federation
import Foundation
import ModelFiles
import Randomness
import Tensor
import Testing

/// Folding encoded updates against decoding each and adding it value by value.
@Suite("The mean of encoded updates")
final class EncodedMeanTests {
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "shoal-fold-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func file(_ bytes: [UInt8], _ name: String) throws -> MappedFile {
        let path = "\(folder)/\(name)"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return try MappedFile(path: path)
    }

    private static let codecs = [
        "dense", "bfloat16", "int8", "eden:bits=2", "ternary:density=0.01", "ternary:density=0.5",
        "ternary:density=0.9", "topk:density=0.05,bits=2",
    ]

    @Test(
        "is to the bit the mean of the decoded ones, at every level of the processor", arguments: codecs,
        [1, 31, 70_003])
    func sameBits(_ name: String, _ count: Int) throws {
        let codec = try Codecs.make(try #require(CodecName(name)))
        // Weights that are no whole numbers, so that a fused product would show.
        let updates = (0..<11).map { worker in
            (values: normalValues(count, key: UInt64(worker)), weight: 0.1 + Double(worker) / 3)
        }
        let encoded = try updates.enumerated().map { worker, update in
            EncodedUpdate(
                try file(codec.encode(update.values, seed: UInt64(worker)), "\(worker)"), seed: UInt64(worker),
                weight: update.weight)
        }
        var sum = [Double](repeating: 0, count: count)
        for update in encoded {
            let values = try codec.decode(update.bytes.copy(), count: count, seed: update.seed)
            for index in 0..<count {
                let product = update.weight * Double(values[index])
                sum[index] += product
            }
        }
        let total = updates.reduce(0) { $0 + $1.weight }
        for level in KernelLevel.supported {
            var mean = WeightedMean(parameterCount: count)
            try level.whileInUse {
                try mean.add(Array(encoded[..<4]), codec: codec)
                try mean.add(Array(encoded[4...]), codec: codec)
            }
            #expect(mean.updateCount == 11)
            let result = try mean.finish()
            #expect(result.map(\.bitPattern) == sum.map { Float($0 / total).bitPattern }, "\(level)")
        }
    }

    @Test("does not depend on the number of threads")
    func threads() throws {
        let count = 300_007
        let codec = DenseCodec()
        let encoded = try (0..<3).map { worker in
            EncodedUpdate(
                try file(codec.encode(normalValues(count, key: UInt64(worker))), "\(worker)"), seed: 0,
                weight: 0.7 + Double(worker))
        }
        let results = try [1, 4].map { threads in
            Threads.limit(to: threads)
            defer { Threads.limit(to: 0) }
            var mean = WeightedMean(parameterCount: count)
            try mean.add(encoded, codec: codec)
            return try mean.finish()
        }
        #expect(results[0] == results[1])
    }

    @Test("refuses what a decoder refuses", arguments: codecs)
    func refusals(_ name: String) throws {
        let codec = try Codecs.make(try #require(CodecName(name)))
        let sound = codec.encode(normalValues(1_000, key: 3), seed: 1)
        for (index, bytes) in [Array(sound.dropLast(3)), sound + [0, 0, 0, 0, 0], []].enumerated() {
            let refused = (try? codec.decode(bytes, count: 1_000, seed: 1)) == nil
            var mean = WeightedMean(parameterCount: 1_000)
            let update = EncodedUpdate(try file(bytes, "\(index)"), seed: 1, weight: 1)
            if refused {
                #expect(throws: CodecError.self) { try mean.add([update], codec: codec) }
            } else {
                try mean.add([update], codec: codec)
            }
        }
    }

    @Test("names the place of a dense value that is not finite", arguments: [0, 5, 31, 32, 99])
    func notFinite(_ place: Int) throws {
        var values = normalValues(100, key: 4)
        let sound = EncodedUpdate(try file(DenseCodec().encode(values), "sound"), seed: 0, weight: 1)
        values[place] = .infinity
        let bad = EncodedUpdate(try file(DenseCodec().encode(values), "bad"), seed: 0, weight: 1)
        var mean = WeightedMean(parameterCount: 100)
        #expect(throws: CodecError.notFinite(codec: "dense", index: place)) {
            try mean.add([sound, bad], codec: DenseCodec())
        }
    }
}
