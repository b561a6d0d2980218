import Foundation
import LanguageModel
import ModelFiles
import Randomness
import Tensor
import Testing

@Suite("Encoders against transformers and peft")
struct EncoderTests {
    static let cases = ["bert", "bert-dora", "distilbert", "mobilebert", "mobilebert-layer-norm"]
        .map(ArchitectureFixture.init)

    /// As ``ArchitectureTests/tolerance``.
    static let tolerance = 2e-5

    private struct Loaded {
        let model: any SequenceClassifier
        let adapter: LowRankAdapter
        let batch: ClassificationBatch
        let expected: SafetensorsFile
    }

    private func load(_ fixture: ArchitectureFixture, _ options: ModelOptions = ModelOptions()) throws -> Loaded {
        Threads.limit(to: 1)
        let expected = try fixture.expected()
        let tokens = try #require(expected.tensor("tokens"))
        let classes = try #require(expected.tensor("logits")).shape[1]
        let model = try ModelDirectory(fixture.directory).loadClassifier(options, classes: classes)
        let (configuration, layout, values) = try AdapterDirectory.read(fixture.directory + "/adapter")
        let adapter = try LowRankAdapter(
            binding: layout, values: values, configuration: configuration, to: model.linearLayers,
            savedModules: model.savedModules)
        var rest = tokens.int32Values()[...]
        let lengths = try #require(expected.tensor("lengths")).int32Values()
        let labels = try #require(expected.tensor("labels")).int32Values()
        let batch = ClassificationBatch(
            zip(lengths, labels).map { length, label in
                defer { rest = rest.dropFirst(Int(length)) }
                return (Array(rest.prefix(Int(length))), label)
            })
        #expect(batch.tokens == tokens.int32Values())
        return Loaded(model: model, adapter: adapter, batch: batch, expected: expected)
    }

    private func check(_ actual: [Float], against expected: SafetensorsFile, _ name: String) throws {
        let wanted = try #require(expected.tensor(name), "\(name)").float32Values()
        let largest = wanted.map(\.magnitude).max() ?? 0
        #expect(relativeDistance(actual, wanted) < Self.tolerance, "\(name)")
        #expect(Double(largestDifference(actual, wanted) / largest) < Self.tolerance, "\(name)")
    }

    @Test("A classifier's logits", arguments: cases, KernelLevel.supported)
    func outputs(_ fixture: ArchitectureFixture, _ level: KernelLevel) throws {
        let loaded = try load(fixture)
        let logits = level.whileInUse { loaded.model.logits(loaded.batch, adapter: loaded.adapter) }
        try check(logits, against: loaded.expected, "logits")
    }

    @Test("Its loss and every gradient, the head's too", arguments: cases, KernelLevel.supported)
    func gradients(_ fixture: ArchitectureFixture, _ level: KernelLevel) throws {
        try checkGradients(try load(fixture), level)
    }

    @Test("The same when weights are packed once", arguments: cases, KernelLevel.supported)
    func packed(_ fixture: ArchitectureFixture, _ level: KernelLevel) throws {
        try checkGradients(try level.whileInUse { try load(fixture, ModelOptions(prepacks: true)) }, level)
    }

    @Test("The same when layers are computed again in the backward pass", arguments: cases)
    func recomputed(_ fixture: ArchitectureFixture) throws {
        try checkGradients(try load(fixture, ModelOptions(recomputes: true)), KernelLevel.supported[0])
    }

    private func checkGradients(_ loaded: Loaded, _ level: KernelLevel) throws {
        var gradient = [Float](repeating: 0, count: loaded.adapter.layout.parameterCount)
        let loss = level.whileInUse {
            loaded.model.lossAndGradient(
                loaded.batch, adapter: loaded.adapter, dropout: nil, gradientScale: 1, gradient: &gradient)
        }
        try check([Float(loss)], against: loaded.expected, "loss")
        let names = loaded.expected.tensors.map(\.name).filter { $0.hasPrefix("gradient.") }
        #expect(Set(names) == Set(loaded.adapter.layout.entries.map { "gradient." + $0.name }))
        for entry in loaded.adapter.layout.entries {
            try check(Array(gradient[entry.range]), against: loaded.expected, "gradient." + entry.name)
        }
    }

    @Test(
        "An example's logits do not depend on its batch", arguments: cases, [ModelOptions.Precision.float32, .bfloat16])
    func alone(_ fixture: ArchitectureFixture, _ precision: ModelOptions.Precision) throws {
        let loaded = try load(fixture, ModelOptions(precision: precision))
        var random = CounterRandom(key: 4)
        let examples = [3, 17, 1, 8, 17, 2, 20].map { length in
            ((0..<length).map { _ in Int32(random.index(below: loaded.model.vocabularySize)) }, Int32(0))
        }
        let together = loaded.model.logits(ClassificationBatch(examples), adapter: loaded.adapter)
        let apart = examples.flatMap { loaded.model.logits(ClassificationBatch([$0]), adapter: loaded.adapter) }
        #expect(relativeDistance(together, apart) < (precision == .float32 ? 1e-5 : 2e-2))
    }

    @Test("A class left out of the loss has no part in it")
    func leftOut() throws {
        let loaded = try load(ArchitectureFixture("bert"))
        try #require(loaded.model.classCount == 3)
        var random = CounterRandom(key: 5)
        let examples = (0..<6).map { index in
            ((0..<5 + index).map { _ in Int32(random.index(below: loaded.model.vocabularySize)) }, Int32(index % 2 * 2))
        }
        let batch = ClassificationBatch(examples, leavingOut: [1])
        var gradient = [Float](repeating: 0, count: loaded.adapter.layout.parameterCount)
        let loss = loaded.model.lossAndGradient(
            batch, adapter: loaded.adapter, dropout: nil, gradientScale: 1, gradient: &gradient)
        // The closed form of two classes, from the logits; the gradient by the head's bias is the mean of p − 1 and p.
        let logits = loaded.model.logits(batch, adapter: loaded.adapter).map(Double.init)
        let odds = (0..<6).map { logits[$0 * 3 + 2] - logits[$0 * 3] }
        let losses = (0..<6).map { log1p(exp($0 % 2 == 0 ? odds[$0] : -odds[$0])) }
        #expect(abs(loss - losses.reduce(0, +) / 6) < 1e-5)
        let second = (0..<6).reduce(0.0) { $0 + (1 / (1 + exp(-odds[$1])) - ($1 % 2 == 0 ? 0 : 1)) / 6 }
        let bias = try #require(loaded.adapter.saved.last { $0.name.hasSuffix("bias") }, "the head has a bias")
        #expect(abs(Double(gradient[bias.offset]) + second) < 1e-5)
        #expect(gradient[bias.offset + 1] == 0)
        #expect(abs(Double(gradient[bias.offset + 2]) - second) < 1e-5)
    }

    @Test("A batch of the one class that is not left out teaches nothing", arguments: cases)
    func oneClass(_ fixture: ArchitectureFixture) throws {
        let loaded = try load(fixture)
        var gradient = [Float](repeating: 0, count: loaded.adapter.layout.parameterCount)
        let others = (0..<loaded.model.classCount).filter { $0 != 1 }
        let batch = ClassificationBatch([([1, 2, 3], 1), ([4, 5], 1)], leavingOut: others)
        let loss = loaded.model.lossAndGradient(
            batch, adapter: loaded.adapter, dropout: nil, gradientScale: 1, gradient: &gradient)
        #expect(loss == 0 && gradient.allSatisfy { $0 == 0 })
    }

    @Test("Dropout follows its key, and recomputation draws the same masks", arguments: cases)
    func dropout(_ fixture: ArchitectureFixture) throws {
        let kept = try load(fixture)
        let again = try load(fixture, ModelOptions(recomputes: true))
        func gradient(_ loaded: Loaded, _ key: UInt64) -> [Float] {
            var gradient = [Float](repeating: 0, count: loaded.adapter.layout.parameterCount)
            // Other tests change the level, and with it the last bits.
            KernelLevel.supported[0].whileInUse {
                _ = loaded.model.lossAndGradient(
                    loaded.batch, adapter: loaded.adapter, dropout: CounterRandom(key: key), gradientScale: 1,
                    gradient: &gradient)
            }
            return gradient
        }
        let first = gradient(kept, 1)
        let repeated = gradient(kept, 1) == first
        #expect(repeated)
        #expect(relativeDistance(first, gradient(kept, 2)) > 1e-3)
        #expect(relativeDistance(first, gradient(again, 1)) < 1e-6)
    }

    @Test("bfloat16 comes near float32", arguments: cases)
    func bfloat16(_ fixture: ArchitectureFixture) throws {
        let loaded = try load(fixture, ModelOptions(precision: .bfloat16))
        let logits = loaded.model.logits(loaded.batch, adapter: loaded.adapter)
        let wanted = try #require(loaded.expected.tensor("logits")).float32Values()
        #expect(relativeDistance(logits, wanted) < 0.05)
    }

    @Test("A checkpoint without a head for these classes says so; one with it needs no adapter")
    func storedHead() throws {
        let bert = try ModelDirectory(ArchitectureFixture("bert").directory)
        #expect(try bert.loadClassifier(classes: 3).storedHead?["classifier.bias"]?.count == 3)
        #expect(try bert.loadClassifier(classes: 2).storedHead == nil)
        let bare = try ModelDirectory(ArchitectureFixture("bert-dora").directory)
        #expect(try bare.loadClassifier(classes: 2).storedHead == nil)
        #expect(bert.configuration.labels == ["LABEL_0", "LABEL_1", "LABEL_2"])
    }

    @Test("An encoder is no language model, and a decoder no classifier")
    func wrongTask() throws {
        let bert = try ModelDirectory(ArchitectureFixture("bert").directory)
        #expect(throws: ModelError.self) { try bert.loadModel() }
        let llama = try ModelDirectory(ArchitectureFixture("llama").directory)
        #expect(throws: ModelError.self) { try llama.loadClassifier(classes: 2) }
    }
}
