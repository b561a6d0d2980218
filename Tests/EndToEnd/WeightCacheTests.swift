import FixtureFiles
import Foundation
import Testing

/// Converted weights as processes share them.
@Suite("The cache of converted weights", .enabled(if: processorHasBFloat16))
struct WeightCacheTests {
    private let folder = ScratchFolder()
    /// A float32 model: the built-in one, which is bfloat16, widened.
    private let model: String
    private let data: String

    init() throws {
        data = try folder.write(
            (0..<20).map { "{\"text\": \"Line \($0) of an ordinary text about nothing much at all.\"}\n" }.joined(),
            to: "data.jsonl")
        let unpacked = folder.file("unpacked")
        let outcome = try Program.start(
            ["generate", "--model", "built-in", "--prompt", "The", "--max-tokens", "1"],
            environment: ["SHOAL_CACHE": unpacked]
        ).finish()
        try #require(outcome.code == 0, "\(outcome.errors)")
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: unpacked).first)
        model = "\(unpacked)/\(name)/model"
        let weights = URL(filePath: model + "/model.safetensors")
        try Self.widened([UInt8](Data(contentsOf: weights))).write(to: weights)
    }

    /// Every bfloat16 tensor of a safetensors file as float32, which is the same bits with sixteen zeros behind.
    private static func widened(_ file: [UInt8]) throws -> Data {
        let size = (0..<8).reduce(0) { $0 | Int(file[$1]) << (8 * $1) }
        var header = try #require(
            try JSONSerialization.jsonObject(with: Data(file[8..<8 + size])) as? [String: [String: Any]])
        for (name, tensor) in header where name != "__metadata__" {
            try #require(tensor["dtype"] as? String == "BF16")
            header[name]?["dtype"] = "F32"
            header[name]?["data_offsets"] = try #require(tensor["data_offsets"] as? [Int]).map { 2 * $0 }
        }
        let text = try JSONSerialization.data(withJSONObject: header)
        var wide = Data((0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }) + text
        for first in stride(from: 8 + size, to: file.count, by: 2) { wide += [0, 0, file[first], file[first + 1]] }
        return wide
    }

    private func start(cache: String) throws -> RunningProgram {
        try Program.start(
            [
                "evaluate", "--model", model, "--data", data, "--sequence-length", "32", "--threads", "1",
                "--precision", "bfloat16", "--json",
            ], environment: ["SHOAL_CACHE": cache])
    }

    private func loss(_ outcome: Program.Outcome) throws -> Double {
        #expect(outcome.code == 0, "\(outcome.errors)")
        return try #require(try outcome.objects.last?["loss"] as? NSNumber).doubleValue
    }

    @Test("processes that start together make one copy, and a later one leaves it alone")
    func shared() throws {
        let cache = folder.file("cache")
        let together = try (0..<3).map { _ in try start(cache: cache) }
        let losses = try together.map { try loss(try $0.finish()) }
        #expect(Set(losses).count == 1)
        let weights = cache + "/weights/"
        let names = try FileManager.default.contentsOfDirectory(atPath: weights)
        #expect(names.count == 2)
        let copy = try #require(names.first { $0.hasSuffix(".safetensors") })
        func inode() throws -> NSNumber? {
            try FileManager.default.attributesOfItem(atPath: weights + copy)[.systemFileNumber] as? NSNumber
        }
        let first = try #require(try inode())
        #expect(try loss(try start(cache: cache).finish()) == losses[0])
        #expect(try inode() == first)
    }

    @Test("a place where no copy can be kept costs one line, and changes no loss")
    func unwritable() throws {
        let cache = folder.file("cache")
        let wanted = try loss(try start(cache: cache).finish())
        try FileManager.default.removeItem(atPath: cache + "/weights")
        try folder.write("in the way", to: "cache/weights")
        let outcome = try start(cache: cache).finish()
        #expect(try loss(outcome) == wanted)
        let lines = outcome.errors.split(separator: "\n").filter { $0.contains("bfloat16 weights cannot be kept") }
        #expect(lines.count == 1, "\(outcome.errors)")
    }
}

/// Elsewhere bfloat16 runs compute in float32 and convert nothing.
private let processorHasBFloat16 =
    FileManager.default.contents(atPath: "/proc/cpuinfo").map {
        String(decoding: $0, as: UTF8.self).contains("avx512_bf16")
    } ?? false
