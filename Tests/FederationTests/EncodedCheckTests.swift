import Federation
import Randomness
import Testing

/// The check of an update as it was sent, against the one of its decoded values and against plain sums.
@Suite("Checking an encoded update")
struct EncodedCheckTests {
    private func values(_ count: Int) -> [Float] {
        var random = StreamKey(seed: 3, purpose: .batches).generator()
        return (0..<count).map { _ in random.normal() }
    }

    @Test(
        "gives the norm of the decoded values",
        arguments: ["dense", "bfloat16", "int8", "topk:density=0.1", "eden:bits=4"])
    func norm(_ name: String) throws {
        let codec = try Codecs.make(try #require(CodecName(name)))
        for count in [1, 31, 32, 33, 1_000] {
            let bytes = codec.encode(values(count), seed: 5)
            let decoded = try codec.decode(bytes, count: count, seed: 5)
            let expected = decoded.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            let check = UpdateCheck(parameterCount: count)
            let norm = try bytes.withUnsafeBytes {
                try check.validate(encoded: $0, by: codec, seed: 5, trainingItems: 1)
            }
            #expect(abs(norm - expected) <= 1e-12 * expected, "\(count) values")
        }
    }

    @Test("names the value that is not finite", arguments: [Float.nan, .infinity, -.infinity])
    func notFinite(_ value: Float) throws {
        for index in [0, 7, 31, 32, 69] {
            var update = values(70)
            update[index] = value
            let bytes = update.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
            #expect(throws: CodecError.notFinite(codec: "dense", index: index)) {
                try bytes.withUnsafeBytes {
                    try UpdateCheck(parameterCount: 70).validate(
                        encoded: $0, by: DenseCodec(), seed: 0, trainingItems: 1)
                }
            }
            #expect(throws: UpdateRefusal.notFinite(index: index)) {
                try UpdateCheck(parameterCount: 70).validate(update, trainingItems: 1)
            }
        }
    }

    @Test func theLargestFiniteValuesPass() throws {
        let bytes = DenseCodec().encode([Float](repeating: -.greatestFiniteMagnitude, count: 100))
        let norm = try bytes.withUnsafeBytes {
            try UpdateCheck(parameterCount: 100).validate(encoded: $0, by: DenseCodec(), seed: 0, trainingItems: 1)
        }
        #expect(norm == 10 * Double(Float.greatestFiniteMagnitude))
    }

    @Test func sizeNormAndTrainingItemsAreChecked() throws {
        let bytes = DenseCodec().encode([3, -4])
        func check(_ count: Int, norm: Double? = nil, items: UInt64 = 1) throws {
            try bytes.withUnsafeBytes {
                _ = try UpdateCheck(parameterCount: count, maximumNorm: norm).validate(
                    encoded: $0, by: DenseCodec(), seed: 0, trainingItems: items)
            }
        }
        try check(2, norm: 5)
        #expect(throws: CodecError.wrongLength(codec: "dense", expected: 12, actual: 8)) { try check(3) }
        #expect(throws: UpdateRefusal.normTooLarge(norm: 5, limit: 4.5)) { try check(2, norm: 4.5) }
        #expect(throws: UpdateRefusal.noTrainingItems) { try check(2, items: 0) }
    }
}
