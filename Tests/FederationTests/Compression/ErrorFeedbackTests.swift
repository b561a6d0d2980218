import Federation
import Randomness
import Testing

@Suite("Error feedback")
struct ErrorFeedbackTests {
    /// Each step is checked against exact sums: a sum of two float32 values is exact in Double unless their exponents
    /// differ by more than 29, and then the error is far below a unit in the last place.
    @Test(
        "everything sent and the residual make up every update, to a unit in the last place a step",
        arguments: [
            "ternary:density=0.01", "ternary:density=0.3", "topk:density=0.05,bits=2", "topk:density=0.01,bits=1",
            "int8", "bfloat16",
        ])
    func nothingIsLost(_ name: String) throws {
        let codec = try Codecs.make(try #require(CodecName(name)))
        #expect(!codec.isUnbiased)
        let count = 777
        var residual: [Float]?
        var total = [Double](repeating: 0, count: count)
        var sent = total
        var allowance = total
        for round in 1...60 {
            // Scales that change from round to round and tails that are not normal.
            let scale = Float(sign: .plus, exponent: (round * 7) % 23 - 11, significand: 1)
            let delta = normalValues(count, key: UInt64(round)).map { $0 * $0 * $0 * scale }
            let feedback = ErrorFeedback(delta, residual: residual)
            let bytes = codec.encode(feedback.carried, seed: UInt64(round))
            let left = try feedback.residual(afterSending: bytes, codec: codec, seed: UInt64(round))
            let decoded = try codec.decode(bytes, count: count, seed: UInt64(round))
            for index in 0..<count {
                let before = Double(residual?[index] ?? 0) + Double(delta[index])
                let after = Double(decoded[index]) + Double(left[index])
                let unit = Double(max(feedback.carried[index].magnitude, left[index].magnitude).ulp)
                #expect(abs(before - after) <= unit, "round \(round), value \(index)")
                total[index] += Double(delta[index])
                sent[index] += Double(decoded[index])
                allowance[index] += unit
            }
            residual = left
        }
        let last = try #require(residual)
        for index in 0..<count {
            #expect(abs(total[index] - sent[index] - Double(last[index])) <= allowance[index])
        }
        // The codec does leave something out.
        #expect(last.contains { $0 != 0 })
    }

    @Test("a value too small to be sent at once is sent once it has added up")
    func smallValuesAddUp() throws {
        let codec = try Codecs.make(try #require(CodecName("ternary:density=0.25")))
        var residual: [Float]?
        var sent: [Float] = [0, 0, 0, 0]
        for _ in 0..<40 {
            let feedback = ErrorFeedback([1, 0.25, 0, 0], residual: residual)
            let bytes = codec.encode(feedback.carried, seed: 0)
            for (index, value) in try codec.decode(bytes, count: 4, seed: 0).enumerated() { sent[index] += value }
            residual = try feedback.residual(afterSending: bytes, codec: codec, seed: 0)
        }
        #expect((36...40).contains(sent[0]) && (8...10.5).contains(sent[1]) && sent[2] == 0 && sent[3] == 0)
    }
}
