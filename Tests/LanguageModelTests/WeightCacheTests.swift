import FixtureFiles
import Foundation
import LanguageModel
import ModelFiles
import Synchronization
import Tensor
import Testing

@Suite("bfloat16 copies of weights")
struct WeightCacheTests {
    private let folder = ScratchFolder()
    private let warnings = Warnings()

    final class Warnings: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private func cache(_ path: String? = nil) -> WeightCache {
        WeightCache(folder: path ?? folder.file("cache")) { [warnings] in warnings.add($0) }
    }

    /// Names, sizes and inodes of the copies.
    private func copies() throws -> [String: Int] {
        let path = folder.file("cache/weights")
        let names = try FileManager.default.contentsOfDirectory(atPath: path)
        return Dictionary(
            uniqueKeysWithValues: try names.map { name in
                let attributes = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
                return (name, try #require(attributes[.systemFileNumber] as? NSNumber).intValue)
            })
    }

    private func copyPath() throws -> String {
        folder.file("cache/weights/") + (try #require(try copies().keys.first { $0.hasSuffix(".safetensors") }))
    }

    /// The bfloat16 nearest to a value, ties to the even one: by trying both neighbours in double precision.
    private func nearest(_ value: Float) -> UInt16 {
        if value.isNaN { return 0x7FC0 }
        let below = UInt16(truncatingIfNeeded: value.bitPattern >> 16)
        let above = below &+ 1
        // Beyond the largest finite bfloat16 the next step up counts as 2^128.
        func number(_ bits: UInt16) -> Double {
            let float = Float(bitPattern: UInt32(bits) << 16)
            return float.isInfinite ? (float < 0 ? -1 : 1) * 0x1p128 : Double(float)
        }
        if value.isInfinite { return below }
        let (down, up) = (abs(Double(value) - number(below)), abs(number(above) - Double(value)))
        if down != up { return down < up ? below : above }
        return below % 2 == 0 ? below : above
    }

    /// Values whose rounding is easy to get wrong, then ordinary ones.
    private static let awkward: [Float] =
        [
            0, -0.0, 1, -1, 1.00390625, 1.01171875, -1.00390625, 1.0039063, 1.0039061, .greatestFiniteMagnitude,
            -.greatestFiniteMagnitude, .infinity, -.infinity, .leastNonzeroMagnitude, -.leastNonzeroMagnitude,
            .leastNormalMagnitude, 0x1.8p-133, 0x1.8p-134, 0x1.FEFFFEp127, 0x1.FFp127, 0.1, -0.3, 3.14159, 65504,
        ] + (0..<40).map { Float(sin(Double($0 * $0))) * Float(pow(10, Double($0 - 20))) }

    private func model(_ tensors: [(String, [Int], [Float])], in name: String) throws -> String {
        let path = folder.file(name)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try AtomicFile.write(SafetensorsWriter.encode(tensors), to: path + "/model.safetensors")
        return path
    }

    private func bits(_ tensor: SafetensorsFile.Tensor) -> [UInt16] {
        tensor.withBytes { bytes in
            (0..<tensor.count).map { bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self) }
        }
    }

    @Test("hold every float32 matrix rounded to nearest, ties to even, and nothing else")
    func rounding() throws {
        let path = try model(
            [("norm", [3], [1, 2, 3]), ("w", [8, 8], Self.awkward), ("v", [1, 2], [2.5, -3])], in: "model")
        let copy = try #require(try cache().copy(of: try Checkpoint(directory: path)))
        #expect(copy.tensors.map(\.name).sorted() == ["v", "w"])
        let tensor = try #require(copy.tensor("w"))
        #expect(tensor.elementType == .bfloat16 && tensor.shape == [8, 8])
        #expect(bits(tensor) == Self.awkward.map(nearest))
        #expect(warnings.all.isEmpty)
    }

    @Test("follow from float16 and sharded checkpoints, and not from bfloat16 ones")
    func types() throws {
        let half = LlamaFixture("biased").directory
        let shards = LlamaFixture("mha").directory
        for directory in [half, shards] {
            let checkpoint = try Checkpoint(directory: directory)
            let wide = try checkpoint.tensorNames.map { try checkpoint.tensor($0) }
                .filter { $0.shape.count == 2 && $0.elementType != .bfloat16 }
            #expect(!wide.isEmpty)
            let copy = try #require(try cache().copy(of: checkpoint))
            #expect(copy.tensors.count == wide.count)
            for tensor in wide {
                let found = try #require(copy.tensor(tensor.name))
                #expect(bits(found) == (try tensor.float32Values().map(nearest)), "\(tensor.name)")
            }
        }
        let stored = try Checkpoint(directory: LlamaFixture("mqa").directory)
        #expect(try stored.tensor("model.embed_tokens.weight").elementType == .bfloat16)
        let before = try copies()
        #expect(try cache().copy(of: stored) == nil)
        #expect(try copies() == before)
    }

    @Test("hold only the float32 matrices of a checkpoint of both types, which is used where it lies otherwise")
    func mixedTypes() throws {
        let path = folder.file("mixed")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let output = try SafetensorsOutput(
            path: path + "/model.safetensors",
            tensors: [("a", .float32, [1, 2]), ("b", .bfloat16, [2, 2]), ("norm", .float32, [2])])
        try output.write([Float(1.00390625), 1.01171875], to: "a")
        try output.write([0x3F80, 0x4000, 0x4040, 0x4080] as [UInt16], to: "b")
        try output.write([Float(1.0039063), 1], to: "norm")
        let checkpoint = try Checkpoint(directory: path)
        let copy = try #require(try cache().copy(of: checkpoint))
        #expect(copy.tensors.map(\.name) == ["a"])
        let reader = WeightReader(checkpoint: checkpoint, type: .bfloat16, copies: copy)
        let converted = try #require(copy.tensor("a"))
        #expect(try reader.matrix("a", 1, 2).bytes == converted.bytes.baseAddress)
        #expect(bits(converted) == [0x3F80, 0x3F82])
        let tensor = try checkpoint.tensor("b")
        #expect(try reader.matrix("b", 2, 2).bytes == tensor.bytes.baseAddress)
        #expect(try reader.values("norm", shape: [2]) == [1.0039063, 1], "not rounded")
        let wide = try WeightReader(checkpoint: checkpoint, type: .float32, copies: copy).matrix("a", 1, 2)
        let source = try checkpoint.tensor("a")
        #expect(wide.bytes == source.bytes.baseAddress, "float32 is used where it lies")
    }

    @Test("are written once: opening again, from another path of the same content too, leaves the file alone")
    func writtenOnce() throws {
        let path = try model([("w", [8, 8], Self.awkward)], in: "one")
        _ = try cache().copy(of: try Checkpoint(directory: path))
        let first = try copies()
        #expect(first.count == 2, "a copy and its checksum")
        #expect(try cache().copy(of: try Checkpoint(directory: path)) != nil)
        let other = try model([("w", [8, 8], Self.awkward)], in: "two")
        #expect(try cache().copy(of: try Checkpoint(directory: other)) != nil)
        #expect(try copies() == first)
        let changed = try model([("w", [8, 8], Self.awkward.reversed())], in: "one")
        let copy = try #require(try cache().copy(of: try Checkpoint(directory: changed))?.tensor("w"))
        #expect(bits(copy) == Self.awkward.reversed().map(nearest), "the path's new content, not its old copy")
        #expect(try copies().count == 4)
    }

    enum Damage: String, CaseIterable {
        case truncated, extended, headerChanged, valueChanged, emptied, checksumLost, checksumChanged
    }

    @Test("are made again after damage", arguments: Damage.allCases)
    func damaged(_ damage: Damage) throws {
        let path = try model([("w", [8, 8], Self.awkward)], in: "model")
        _ = try cache().copy(of: try Checkpoint(directory: path))
        let file = try copyPath()
        let whole = try MappedFile(path: file).copy()
        var bytes = whole
        switch damage {
        case .truncated: bytes.removeLast(20)
        case .extended: bytes.append(0)
        case .headerChanged: bytes[20] ^= 1
        case .valueChanged: bytes[bytes.count - 5] ^= 1
        case .emptied: bytes = []
        case .checksumLost: try FileManager.default.removeItem(atPath: file + ".sha256")
        case .checksumChanged: try AtomicFile.write(Array("00\n".utf8), to: file + ".sha256")
        }
        // In place, as damage comes; the size may stay the same.
        try Data(bytes).write(to: URL(filePath: file))
        let copy = try #require(try cache().copy(of: try Checkpoint(directory: path))?.tensor("w"))
        #expect(bits(copy) == Self.awkward.map(nearest))
        #expect(try MappedFile(path: file).copy() == whole)
        #expect(warnings.all.isEmpty)
        #expect(try copies().count == 2, "nothing is left beside them")
    }

    @Test("take the place of what a killed process left")
    func leftovers() throws {
        let path = try model([("w", [8, 8], Self.awkward)], in: "model")
        try FileManager.default.createDirectory(
            atPath: folder.file("cache/weights"), withIntermediateDirectories: true)
        try AtomicFile.write([1, 2, 3], to: folder.file("cache/weights/.ab.safetensors.77.0.tmp"))
        _ = try cache().copy(of: try Checkpoint(directory: path))
        #expect(try copies().count == 2)
    }

    @Test("are done without, with one warning, where the folder cannot be made")
    func unwritable() throws {
        let path = try model([("w", [8, 8], Self.awkward)], in: "model")
        try AtomicFile.write([1], to: folder.file("taken"))
        #expect(try cache(folder.file("taken")).copy(of: try Checkpoint(directory: path)) == nil)
        #expect(warnings.all.count == 1)
        let warning = try #require(warnings.all.first)
        #expect(warning.contains(folder.file("taken")) && warning.contains("SHOAL_CACHE"))
    }

    @Test("are done without, with one warning, where the disk is full; nothing is left there")
    func fullDisk() async throws {
        // A file-size limit stops writing as a full disk does; it holds for a process, so in a child.
        await #expect(processExitsWith: .success) {
            let tests = WeightCacheTests()
            let path = try tests.model(
                [("w", [300, 300], [Float](repeating: 0.1, count: 90_000))], in: "model")
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 100_000, rlim_max: 100_000)
            precondition(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            #expect(try tests.cache().copy(of: try Checkpoint(directory: path)) == nil)
            #expect(tests.warnings.all.count == 1)
            #expect(try tests.copies().isEmpty)
        }
    }

    @Test("are made by one of many who ask at once, and seen whole by all")
    func concurrent() async throws {
        let path = try model([("w", [8, 8], Self.awkward)], in: "model")
        let wanted = Self.awkward.map(nearest)
        try await withThrowingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { [self] in
                    let copy = try cache().copy(of: try Checkpoint(directory: path))
                    return copy?.tensor("w").map { self.bits($0) }
                }
            }
            for try await found in group { #expect(found == wanted) }
        }
        #expect(try copies().count == 2)
        #expect(warnings.all.isEmpty)
    }

    @Test("give the same losses as converting in memory")
    func losses() throws {
        Threads.limit(to: 1)
        for fixture in [LlamaFixture("gqa"), LlamaFixture("mha"), LlamaFixture("biased")] {
            let directory = try ModelDirectory(fixture.directory)
            let options = ModelOptions(precision: .bfloat16)
            let batch = try fixture.batch()
            let cached = try directory.loadModel(options, cache: cache())
            let converted = try directory.loadModel(options)
            // Equal to the bit only at one instruction level, which other suites change meanwhile.
            KernelLevel.current.whileInUse {
                #expect(cached.losses(batch, adapter: nil) == converted.losses(batch, adapter: nil))
            }
        }
        #expect(try copies().count == 6)
    }
}
