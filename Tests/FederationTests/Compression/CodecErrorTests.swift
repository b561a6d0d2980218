import Federation
import InputMutation
import Tensor
import Testing

/// Size and error on 2²⁰ normal values against figures computed from the definitions, not by this code.
@Suite("Codecs' size and error")
struct CodecErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let codec: String
        let bits: ClosedRange<Double>
        let error: ClosedRange<Double>
        var testDescription: String { codec }
    }

    private static let values = normalValues(1 << 20, key: 42)

    private static func within(_ value: Double, _ share: Double) -> ClosedRange<Double> {
        value * (1 - share)...value * (1 + share)
    }

    /// For EDEN the lower ends are the least error of any unbiased code of this many bits.
    @Test(arguments: [
        Case(codec: "dense", bits: 32...32, error: 0...0),
        Case(codec: "bfloat16", bits: 16...16, error: 1e-6...4e-6),
        Case(codec: "int8", bits: 8.125...8.125, error: 3e-5...7e-5),
        Case(codec: "eden:bits=1", bits: within(1, 0.02), error: 0.333...0.575),
        Case(codec: "eden:bits=2", bits: within(2, 0.02), error: 0.0667...0.1),
        Case(codec: "eden:bits=3", bits: within(3, 0.02), error: 0.01587...0.0235),
        Case(codec: "eden:bits=4", bits: within(4, 0.02), error: 0.00392...0.0058),
        // The rate of a fine uniform quantiser is 0.2546 bits above the bound: its error 2^0.5092 = 1.423 times.
        Case(codec: "eden:bits=5", bits: within(5, 0.02), error: within(1.44 / 1024, 0.03)),
        Case(codec: "eden:bits=6", bits: within(6, 0.02), error: within(1.44 / 4096, 0.03)),
        Case(codec: "eden:bits=7", bits: within(7, 0.02), error: within(1.44 / 16_384, 0.03)),
        Case(codec: "eden:bits=8", bits: within(8, 0.02), error: within(1.44 / 65_536, 0.03)),
        Case(codec: "eden:bits=1,quantiser=lloyd-max", bits: within(1, 0.02), error: within(0.5708, 0.01)),
        Case(codec: "eden:bits=2,quantiser=lloyd-max", bits: within(2, 0.02), error: within(0.1331, 0.01)),
        Case(codec: "eden:bits=3,quantiser=lloyd-max", bits: within(3, 0.02), error: within(0.0358, 0.01)),
        Case(codec: "eden:bits=4,quantiser=lloyd-max", bits: within(4, 0.02), error: within(0.00959, 0.01)),
        // Between 1 / (2^(2·bits) − 1), the least error of any unbiased code, and that of ternary's places and signs made
        // unbiased, 1 / c − 1 with c their share of the energy: 2.66 at 0.339 bits, 3.78 at 0.25 and 8.0 at 0.125.
        Case(codec: "trellis:bits=0.5", bits: within(0.5, 0.01), error: 1...1.25),
        Case(codec: "trellis:bits=0.339", bits: within(0.339, 0.02), error: 1.667...2.15),
        Case(codec: "trellis:bits=0.25", bits: within(0.25, 0.02), error: 2.414...2.9),
        Case(codec: "trellis:bits=0.125", bits: within(0.125, 0.04), error: 5.285...6.3),
        Case(codec: "ternary:density=0.1", bits: within(0.576, 0.03), error: within(0.5745, 0.03)),
        Case(codec: "ternary:density=0.03", bits: within(0.228, 0.03), error: within(0.809, 0.03)),
        Case(codec: "ternary:density=0.01", bits: within(0.091, 0.03), error: within(0.916, 0.03)),
        // At a density of 1, top-k is a quantiser for the normal distribution with a sign: Lloyd and Max's 4 and 16
        // levels have a distortion of 0.1175 and 0.009497.
        Case(codec: "topk:density=1,bits=2", bits: 1.8...2.1, error: within(0.1175, 0.02)),
        Case(codec: "topk:density=1,bits=4", bits: 3.7...4.1, error: within(0.009497, 0.05)),
        // Below ternary's error, but above what dropping alone costs, 1 − 2∫x²φ over the kept tail: 0.9138.
        Case(codec: "topk:density=0.01,bits=4", bits: 0.09...0.13, error: 0.913...0.9161),
    ])
    func measured(_ given: Case) throws {
        let codec = try Codecs.make(try #require(CodecName(given.codec)))
        let bytes = codec.encode(Self.values, seed: 7)
        #expect(bytes.count <= codec.maximumEncodedBytes(count: Self.values.count))
        #expect(given.bits.contains(8 * Double(bytes.count) / Double(Self.values.count)))
        let decoded = try codec.decode(bytes, count: Self.values.count, seed: 7)
        #expect(given.error.contains(normalisedError(decoded, Self.values)), "\(normalisedError(decoded, Self.values))")
    }
}

/// Every codec at several settings and sizes.
@Suite("All codecs")
struct AllCodecsTests {
    static let names = [
        "dense", "bfloat16", "int8", "eden:bits=1", "eden:bits=3", "eden:bits=8", "eden:bits=2,quantiser=lloyd-max",
        "eden:bits=8,quantiser=lloyd-max", "ternary:density=0.05", "ternary:density=1", "topk:density=0.1,bits=1",
        "topk:density=0.02,bits=2", "topk:density=1,bits=8", "trellis:bits=0.25", "trellis:bits=0.1",
        "trellis:bits=0.43",
    ]

    static func make(_ name: String) throws -> any UpdateCodec { try Codecs.make(try #require(CodecName(name))) }

    @Test("give the same bytes and values at every level of the processor", arguments: names)
    func levels(_ name: String) throws {
        let codec = try Self.make(name)
        for (count, key) in [(10_007, 1), (4_096, 2), (63, 3), (1, 4)] {
            let values = normalValues(count, key: UInt64(key))
            let expected = KernelLevel.baseline.whileInUse { codec.encode(values, seed: 3) }
            let decoded = try KernelLevel.baseline.whileInUse { try codec.decode(expected, count: count, seed: 3) }
            for level in KernelLevel.supported {
                #expect(level.whileInUse { codec.encode(values, seed: 3) } == expected, "\(level), \(count) values")
                let again = try level.whileInUse { try codec.decode(expected, count: count, seed: 3) }
                #expect(again.map(\.bitPattern) == decoded.map(\.bitPattern), "\(level), \(count) values")
            }
        }
    }

    /// What they give back is at most a little longer than what they got: an update is never blown up. Only an unbiased
    /// codec that drops nearly all makes up for it.
    @Test("take updates of every size and make", arguments: names)
    func shapes(_ name: String) throws {
        let codec = try Self.make(name)
        let makes: [(Int) -> [Float]] = [
            { normalValues($0, key: 5) },
            { [Float](repeating: 0, count: $0) },
            { [Float](repeating: -0.25, count: $0) },
            { count in (0..<count).map { $0 == count / 2 ? 3 : 0 } },
            { count in (0..<count).map { $0 % 97 == 0 ? 1e-3 : 1e-9 } },
            { normalValues($0, key: 6).map { $0 * 1e-38 } },
            { normalValues($0, key: 7).map { $0 * 1e30 } },
        ]
        for count in [0, 1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 1_000, 4_095, 4_096, 4_097, 8_200] {
            for (index, make) in makes.enumerated() {
                let values = make(count)
                let bytes = codec.encode(values, seed: 9)
                #expect(bytes.count <= codec.maximumEncodedBytes(count: count))
                let decoded = try codec.decode(bytes, count: count, seed: 9)
                #expect(decoded.count == count && decoded.allSatisfy(\.isFinite))
                let norm = values.reduce(0) { $0 + Double($1) * Double($1) }
                let length = decoded.reduce(0) { $0 + Double($1) * Double($1) }
                let limit: Double = name.hasPrefix("trellis") ? 100 : 4
                #expect(length <= limit * norm, "make \(index), \(count) values: \(length) from \(norm)")
            }
        }
    }

    @Test("keep what few large values say", arguments: names)
    func sparse(_ name: String) throws {
        var values = [Float](repeating: 0, count: 5_000)
        values[4_000] = -2
        let codec = try Self.make(name)
        let decoded = try codec.decode(codec.encode(values, seed: 1), count: values.count, seed: 1)
        // One value is the same to both signs everywhere once rotated: dropping some leaves an error.
        #expect(normalisedError(decoded, values) < (name.hasPrefix("trellis") ? 40 : 1e-4))
    }

    @Test("the same seed gives the same bytes", arguments: names)
    func determinism(_ name: String) throws {
        let codec = try Self.make(name)
        let values = normalValues(3_000, key: 8)
        #expect(codec.encode(values, seed: 5) == codec.encode(values, seed: 5))
        // Only those that rotate draw anything.
        if codec.isUnbiased, name != "dense" {
            #expect(codec.encode(values, seed: 5) != codec.encode(values, seed: 6))
        }
    }

    /// The mean of N decodings of one update has 1 / N of one's error if the codec is unbiased; a biased one's stops.
    @Test(
        "an unbiased codec's errors cancel over seeds",
        arguments: [
            "eden:bits=1", "eden:bits=2", "eden:bits=2,quantiser=lloyd-max", "trellis:bits=0.5", "trellis:bits=0.15",
        ])
    func unbiased(_ name: String) throws {
        let codec = try Self.make(name)
        #expect(codec.isUnbiased)
        // Far from normal, so that only the rotation makes it so; 2,100 values take chunks of 2,048 and 64.
        let values = normalValues(2_100, key: 9).map { $0 * $0 * $0 }
        var mean = [Double](repeating: 0, count: values.count)
        let count = 400
        var single = 0.0
        for seed in 0..<UInt64(count) {
            let decoded = try codec.decode(codec.encode(values, seed: seed), count: values.count, seed: seed)
            for index in mean.indices { mean[index] += Double(decoded[index]) / Double(count) }
            single += normalisedError(decoded, values) / Double(count)
        }
        let ratio = normalisedError(mean.map { Float($0) }, values) / (single / Double(count))
        #expect((0.7...1.3).contains(ratio), "\(ratio)")
    }

    @Test("whatever damages the bytes, a decoder gives finite values or an error", arguments: names)
    func hostile(_ name: String) throws {
        let codec = try Self.make(name)
        for count in [0, 1, 70, 1_000, 4_200] {
            var mutator = InputMutator([codec.encode(normalValues(count, key: 13), seed: 2)], key: 12)
            for _ in 0..<800 {
                let bytes = mutator.next()
                do {
                    let values = try codec.decode(bytes, count: count, seed: 2)
                    #expect(values.count == count && values.allSatisfy(\.isFinite))
                } catch {
                    #expect(!"\(error)".isEmpty)
                }
            }
        }
        for count in [Int.min, -1, Int.max] {
            #expect(throws: CodecError.self) { try codec.decode([], count: count, seed: 0) }
            #expect(codec.maximumEncodedBytes(count: Int.max) == Int.max)
        }
    }
}
