import LanguageModel
import ModelFiles
import Tensor
import Testing

@Suite("Llama against transformers and peft")
struct LlamaTests {
    @Test("Logits of the base model", arguments: LlamaFixture.all, KernelLevel.supported)
    func base(_ fixture: LlamaFixture, _ level: KernelLevel) throws {
        let model = try fixture.model()
        let batch = try fixture.batch()
        let logits = level.whileInUse { model.logits(batch, adapter: nil) }
        #expect(largestDifference(logits, try fixture.expected("base_logits")) < 1e-4)
    }

    @Test("Logits and losses with a PEFT adapter", arguments: LlamaFixture.all, KernelLevel.supported)
    func adapted(_ fixture: LlamaFixture, _ level: KernelLevel) throws {
        let model = try fixture.model()
        let adapter = try fixture.adapter(for: model)
        let batch = try fixture.batch()
        let (logits, losses) = level.whileInUse {
            (model.logits(batch, adapter: adapter), model.losses(batch, adapter: adapter))
        }
        #expect(largestDifference(logits, try fixture.expected("logits")) < 1e-4)
        #expect(largestDifference(losses.map { Float($0) }, try fixture.expected("losses")) < 1e-5)
    }

    @Test("Every factor's gradient", arguments: LlamaFixture.all, KernelLevel.supported)
    func gradients(_ fixture: LlamaFixture, _ level: KernelLevel) throws {
        let model = try fixture.model()
        let adapter = try fixture.adapter(for: model)
        let batch = try fixture.batch()
        let expectedLosses = try fixture.expected("losses")
        var gradient = [Float](repeating: 0, count: adapter.layout.parameterCount)
        let loss = level.whileInUse {
            model.lossAndGradient(batch, adapter: adapter, dropout: nil, gradientScale: 1, gradient: &gradient)
        }
        #expect(abs(loss - expectedLosses.reduce(0) { $0 + Double($1) } / Double(batch.blocks)) < 1e-5)
        for entry in adapter.layout.entries {
            let distance = relativeDistance(gradient[entry.range], try fixture.expected("gradient." + entry.name))
            #expect(distance < 1e-4, "\(entry.name)")
        }
    }
}
