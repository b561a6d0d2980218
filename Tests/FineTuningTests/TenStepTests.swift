import FineTuning
import FixtureFiles
import LanguageModel
import ModelFiles
import Tensor
import Testing

/// Ten optimiser steps of PyTorch + PEFT, step by step.
@Suite("Ten steps of training")
struct TenStepTests {
    @Test("follow PyTorch's losses within 1e-4", arguments: ["gqa", "mha", "mqa", "biased"])
    func losses(name: String) throws {
        Threads.limit(to: 1)
        let directory = FixtureFiles.path("llama/" + name)
        let model = try ModelDirectory(directory).loadModel()
        let (configuration, layout, values) = try AdapterDirectory.read(directory + "/adapter")
        var adapter = try LowRankAdapter(
            binding: layout, values: values, scale: Float(configuration.scale), to: model.linearLayers)
        let expected = try SafetensorsFile(path: directory + "/expected.safetensors")
        let batches = try #require(expected.tensor("adamw.batches"))
        let tokens = try batches.float32Values().map { Int32($0) }
        let losses = try #require(expected.tensor("adamw.losses")).float32Values()
        let (blocks, length) = (batches.shape[1], batches.shape[2])
        #expect(losses.count == 10)

        var optimizer = AdamW(parameterCount: layout.parameterCount, weightDecay: 0.01)
        for step in 0..<10 {
            let batch = TokenBatch(
                tokens: Array(tokens[step * blocks * length..<(step + 1) * blocks * length]), blocks: blocks,
                length: length)
            var gradient = [Float](repeating: 0, count: layout.parameterCount)
            let loss = model.lossAndGradient(
                batch, adapter: adapter, dropout: nil, gradientScale: 1, gradient: &gradient)
            #expect(abs(loss - Double(losses[step])) < 1e-4, "step \(step + 1): \(loss), PyTorch \(losses[step])")
            GradientClipping.clip(&gradient, to: 1)
            optimizer.step(values: &adapter.values, gradient: gradient, learningRate: 3e-3)
        }
    }
}
