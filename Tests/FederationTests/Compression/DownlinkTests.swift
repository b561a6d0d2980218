import Federation
import Testing

@Suite("Changes to the adapter on their way down")
struct DownlinkTests {
    private func downlink(_ name: String) throws -> Downlink {
        try Downlink(try #require(CodecName(name)), seed: 3)
    }

    @Test(
        "what workers reconstruct is what the coordinator goes on from, to the bit",
        arguments: ["bfloat16", "int8", "eden:bits=4", "trellis:bits=0.25", "ternary:density=0.05", "topk:density=0.1"])
    func bothSidesAgree(_ name: String) throws {
        let count = 1_000
        var published = normalValues(count, key: 1)
        var held = published
        var residual: [Float]?
        for version in 1...5 {
            let next = zip(published, normalValues(count, key: UInt64(10 + version))).map { $0 + 0.01 * $1 }
            let change = try downlink(name).change(from: published, to: next, residual: residual, version: version)
            published = change.values
            residual = change.residual
            try downlink(name).apply(change.bytes, version: version, to: &held)
            #expect(held == published)
        }
    }

    @Test(
        "what a biased codec leaves out comes with later changes",
        arguments: ["ternary:density=0.02", "topk:density=0.02"])
    func nothingIsLost(_ name: String) throws {
        let count = 500
        let first = [Float](repeating: 0, count: count)
        let step = normalValues(count, key: 5)
        var values = first
        var residual: [Float]?
        for version in 1...40 {
            let next = zip(values, step).map { $0 + $1 }
            let change = try downlink(name).change(from: values, to: next, residual: residual, version: version)
            values = change.values
            residual = change.residual
        }
        let left = try #require(residual)
        // Sent and left out add up to all forty steps, up to float32's roundings.
        for index in 0..<count {
            let sum = Double(values[index]) + Double(left[index])
            #expect(abs(sum - 40 * Double(step[index])) < 1e-3)
        }
        // Most of it has arrived, though each change holds a fiftieth of the places.
        let missing = left.reduce(0.0) { $0 + Double($1 * $1) }
        let whole = step.reduce(0.0) { $0 + 1_600 * Double($1 * $1) }
        #expect(missing > 0 && missing < whole / 2)
    }

    @Test("an unbiased codec keeps nothing back")
    func unbiased() throws {
        let change = try downlink("eden:bits=2").change(
            from: [0, 0, 0, 0], to: [1, 2, 3, 4], residual: nil, version: 1)
        #expect(change.residual == nil)
    }

    @Test("a change that leaves float32's range is refused at both ends")
    func notFinite() throws {
        let largest = Float.greatestFiniteMagnitude
        #expect(throws: AggregationError.notFinite) {
            try downlink("int8").change(from: [-largest, 0], to: [largest, 0], residual: nil, version: 1)
        }
        let bytes = DenseCodecBytes.of([largest, 0])
        var values: [Float] = [largest, 0]
        #expect(throws: CodecError.notFinite(codec: "dense", index: 0)) {
            try downlink("dense").apply(bytes, version: 1, to: &values)
        }
    }

    private enum DenseCodecBytes {
        static func of(_ values: [Float]) -> [UInt8] {
            values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init) }
        }
    }

    @Test("an object of changes gives them back, and anything cut short is refused")
    func object() throws {
        let changes = AdapterChanges([[1, 2, 3], [], [4]])
        let bytes = changes.encoded
        #expect(bytes == [3, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 1, 0, 0, 0, 4])
        #expect(try AdapterChanges(decoding: bytes) == changes)
        for length in [1, 3, 5, 6, 9, 12, 15] {
            #expect(throws: CodecError.self) { try AdapterChanges(decoding: Array(bytes[..<length])) }
        }
        #expect(throws: CodecError.self) { try AdapterChanges(decoding: [255, 255, 255, 255]) }
        #expect(try AdapterChanges(decoding: []).changes.isEmpty)
    }

    /// Four bytes each, and each as much work as a whole adapter.
    @Test("an object of more changes than any coordinator sends is refused")
    func count() throws {
        let most = AdapterChanges([[UInt8]](repeating: [], count: 64)).encoded
        #expect(try AdapterChanges(decoding: most).changes.count == 64)
        #expect(throws: CodecError.self) { try AdapterChanges(decoding: most + [0, 0, 0, 0]) }
        #expect(throws: CodecError.self) { try AdapterChanges(decoding: [UInt8](repeating: 0, count: 40_000_000)) }
    }
}
