import Auditing
import FineTuning
import FixtureFiles
import Foundation
import LanguageModel
import ModelFiles
import Randomness
import Recipe
import Testing

@Suite("Canaries")
struct CanaryTests {
    @Test("are all different, follow from their randomness, and about half of them are inserted")
    func made() {
        var random = CounterRandom(key: 3)
        let set = CanarySet(count: 1_000, unit: .worker, repeats: 4, using: &random)
        #expect(Set(set.canaries.map(\.text)).count == 1_000 && Set(set.canaries.map(\.name)).count == 1_000)
        // Of 1,000 fair coins fewer than 430 or more than 570 come once in 100,000 times.
        #expect((430...570).contains(set.inserted.count) && set.inserted.count + set.leftOut.count == 1_000)
        var same = CounterRandom(key: 3)
        #expect(CanarySet(count: 1_000, unit: .worker, repeats: 4, using: &same) == set)
        var other = CounterRandom(key: 4)
        #expect(CanarySet(count: 1_000, unit: .worker, repeats: 4, using: &other) != set)
        #expect(set.canaries[0].name == "canary-0001" && set.canaries[999].name == "canary-1000")
    }

    @Test("come back from their file, which nobody else can read")
    func file() throws {
        let path = NSTemporaryDirectory() + "shoal-canaries-\(UUID().uuidString).json"
        defer { try? FileManager.default.removeItem(atPath: path) }
        var random = CounterRandom(key: 3)
        let set = CanarySet(count: 20, unit: .example, repeats: 2, using: &random)
        try CanaryFile.write(set, to: path)
        #expect(try CanaryFile.read(path) == set)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        var oneSided = set
        for index in oneSided.canaries.indices { oneSided.canaries[index].isInserted = true }
        try CanaryFile.write(oneSided, to: path)
        #expect(throws: CanaryFileError.oneSided(path: path)) { try CanaryFile.read(path) }
        try Data("{}".utf8).write(to: URL(filePath: path))
        #expect(throws: CanaryFileError.invalid(path: path)) { try CanaryFile.read(path) }
    }
}

@Suite("Token losses of a text")
struct TextLossesTests {
    private let base: PretrainedModel

    init() throws {
        base = try PretrainedModel(path: FixtureFiles.packagePath("Sources/CBuiltIn/files"))
    }

    @Test("average to the model's own loss of the row, with an adapter and without")
    func mean() throws {
        let row = DataRow(.text("The secret number of the locker is 123 456 789 012."))
        let plan = try AdapterPlan(options: AdapterOptions(rank: 2), model: base.model.linearLayers)
        var adapter = plan.initialAdapter(random: CounterRandom(key: 1), rowNorms: base.model.weightRowNorms)
        var random = CounterRandom(key: 2)
        adapter.values = adapter.values.map { $0 + Float.random(in: -0.2...0.2, using: &random) }
        let (tokens, labels) = try base.rowEncoder().labelled(row)
        let batch = TokenBatch(tokens: tokens, labels: labels, blocks: 1, length: tokens.count)
        var means: [Double] = []
        for adapter in [nil, adapter] {
            let losses = try #require(try TextLosses(base, limit: 500).losses(of: row, adapter: adapter))
            #expect(losses.count == tokens.count - 1)
            let mean = losses.reduce(0, +) / Double(losses.count)
            #expect(abs(mean - base.model.losses(batch, adapter: adapter)[0]) < 1e-5)
            means.append(mean)
        }
        #expect(abs(means[0] - means[1]) > 1e-3)
    }

    @Test("count what training counts, and end at the limit")
    func counted() throws {
        let row = DataRow(.completion(prompt: "The secret number is", completion: " 123 456 789"))
        let (tokens, labels) = try base.rowEncoder().labelled(row)
        let targets = labels.count { $0 != TokenBatch.ignoredLabel }
        #expect(targets > 3 && targets < tokens.count - 3)
        let whole = try #require(try TextLosses(base, limit: 500).losses(of: row, adapter: nil))
        #expect(whole.count == targets)
        let cut = try #require(try TextLosses(base, limit: tokens.count - 2).losses(of: row, adapter: nil))
        #expect(cut.count == targets - 2)
        #expect(zip(cut, whole).allSatisfy { abs($0 - $1) < 1e-5 })
        #expect(try TextLosses(base, limit: tokens.count - targets).losses(of: row, adapter: nil) == nil)
    }
}
