import Federation

/// What a worker downloads in place of an adapter, and codecs by name.
enum ChangesFuzzing {
    private static let count = 70

    static func read(_ bytes: [UInt8]) throws -> Bool {
        guard let changes = try? AdapterChanges(decoding: bytes) else { return false }
        try expect(changes.encoded == bytes, "changes that are not written as they were read")
        let downlink = try Downlink(CodecName(name: "eden"), seed: 1)
        var values = [Float](repeating: 1, count: count)
        for (index, change) in changes.changes.prefix(8).enumerated() {
            do throws(CodecError) { try downlink.apply(change, version: index + 1, to: &values) } catch { return false }
            try expect(values.allSatisfy(\.isFinite), "a change to values that are not finite")
        }
        return true
    }

    static func seeds() throws -> [[UInt8]] {
        let downlink = try Downlink(CodecName(name: "eden"), seed: 1)
        var values = [Float](repeating: 1, count: count)
        var changes: [[UInt8]] = []
        var seeds = [AdapterChanges([]).encoded]
        for version in 1...3 {
            let next = values.indices.map { Float($0 * version) / 10 }
            let change = try downlink.change(from: values, to: next, residual: nil, version: version)
            values = change.values
            changes.append(change.bytes)
            seeds.append(AdapterChanges(changes).encoded)
        }
        return seeds
    }

    /// A codec that has a name reads what it writes.
    static func readName(_ bytes: [UInt8]) throws -> Bool {
        // Wire lets no longer one in.
        guard let text = String(validating: bytes.prefix(256), as: UTF8.self), let name = CodecName(text),
            let codec = try? Codecs.make(name)
        else { return false }
        try expect(CodecName(name.description) == name, "\(name) is not read as it is written")
        for count in [0, 1, 33] {
            let values = (0..<count).map { Float($0) - 16 }
            let bytes = codec.encode(values, seed: 1)
            try expect(bytes.count <= codec.maximumEncodedBytes(count: count), "\(name) writes more than it announces")
            let decoded = try? codec.decode(bytes, count: count, seed: 1)
            try expect(decoded?.count == count, "\(name) does not read what it writes")
        }
        return true
    }

    static let names = [
        "dense", "bfloat16", "int8", "eden", "eden:bits=3", "eden:bits=2,quantiser=lloyd-max", "ternary:density=0.01",
        "ternary:density=1", "topk:bits=8,density=0.5", "topk:bits=1", "trellis:bits=0.3", "ternary:density=1e-300",
    ].map { Array($0.utf8) }
}
