import LanguageModel
import ModelFiles
import Tensor
import Testing

@Suite("Architectures against transformers and peft")
struct ArchitectureTests {
    /// Float32 comes within a few millionths; GELU's tanh form in place of the exact one is 1e-4 away.
    static let tolerance = 2e-5

    /// Checks a tensor as a whole and value by value; both are relative, so that small tensors count as much.
    func check(_ actual: [Float], against expected: SafetensorsFile, _ name: String) throws {
        let wanted = try #require(expected.tensor(name), "\(name)").float32Values()
        let largest = wanted.map(\.magnitude).max() ?? 0
        #expect(relativeDistance(actual, wanted) < Self.tolerance, "\(name)")
        #expect(Double(largestDifference(actual, wanted) / largest) < Self.tolerance, "\(name)")
    }

    @Test("A decoder's logits and losses", arguments: ArchitectureFixture.decoders, KernelLevel.supported)
    func outputs(_ fixture: ArchitectureFixture, _ level: KernelLevel) throws {
        let model = try fixture.model()
        let adapter = try fixture.adapter(for: model)
        let batch = try fixture.batch()
        let (logits, losses) = level.whileInUse {
            (model.logits(batch, adapter: adapter), model.losses(batch, adapter: adapter))
        }
        let expected = try fixture.expected()
        try check(logits, against: expected, "logits")
        try check(losses.map { Float($0) }, against: expected, "losses")
    }

    @Test(
        "Every gradient of a decoder's adapter", arguments: ArchitectureFixture.decoders, KernelLevel.supported)
    func gradients(_ fixture: ArchitectureFixture, _ level: KernelLevel) throws {
        try checkGradients(of: fixture.model(), fixture, level)
    }

    @Test("The same when weights are packed once", arguments: ArchitectureFixture.decoders, KernelLevel.supported)
    func packed(_ fixture: ArchitectureFixture, _ level: KernelLevel) throws {
        let model = try level.whileInUse { try fixture.model(ModelOptions(prepacks: true)) }
        try checkGradients(of: model, fixture, level)
    }

    private func checkGradients(
        of model: any CausalLanguageModel, _ fixture: ArchitectureFixture, _ level: KernelLevel
    ) throws {
        let adapter = try fixture.adapter(for: model)
        let batch = try fixture.batch()
        var gradient = [Float](repeating: 0, count: adapter.layout.parameterCount)
        let loss = level.whileInUse {
            model.lossAndGradient(batch, adapter: adapter, dropout: nil, gradientScale: 1, gradient: &gradient)
        }
        let expected = try fixture.expected()
        let losses = try #require(expected.tensor("losses")).float32Values()
        #expect(abs(loss - losses.reduce(0) { $0 + Double($1) } / Double(losses.count)) < Self.tolerance * loss)
        let names = expected.tensors.map(\.name).filter { $0.hasPrefix("gradient.") }
        #expect(Set(names) == Set(adapter.layout.entries.map { "gradient." + $0.name }))
        for entry in adapter.layout.entries {
            try check(Array(gradient[entry.range]), against: expected, "gradient." + entry.name)
        }
    }
}
