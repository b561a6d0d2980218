import FineTuning
import FixtureFiles
import LanguageModel
import ModelFiles
import Tensor
import Testing

/// Fifty optimiser steps of PyTorch + PEFT over five batches in turn: the loss falls from 4.6 to 3.0.
@Suite("Fifty steps of training")
struct FiftyStepTests {
    @Test("follow PyTorch's losses within 5e-4")
    func losses() throws {
        Threads.limit(to: 1)
        let directory = FixtureFiles.path("architectures/llama")
        let model = try ModelDirectory(directory).loadModel()
        let (configuration, layout, values) = try AdapterDirectory.read(directory + "/adapter")
        var adapter = try LowRankAdapter(
            binding: layout, values: values, scale: Float(configuration.scale), to: model.linearLayers)
        let expected = try SafetensorsFile(path: directory + "/expected.safetensors")
        let tokens = try #require(expected.tensor("adamw.batches"))
        let losses = try #require(expected.tensor("adamw.losses")).float32Values()
        #expect(losses.count == 50)
        let batches = batches(tokens)

        var optimizer = AdamW(parameterCount: layout.parameterCount, weightDecay: 0.01)
        for (step, wanted) in losses.enumerated() {
            var gradient = [Float](repeating: 0, count: layout.parameterCount)
            let loss = model.lossAndGradient(
                batches[step % batches.count], adapter: adapter, dropout: nil, gradientScale: 1, gradient: &gradient)
            #expect(abs(loss - Double(wanted)) < 5e-4, "step \(step + 1): \(loss), PyTorch \(wanted)")
            GradientClipping.clip(&gradient, to: 1)
            optimizer.step(values: &adapter.values, gradient: gradient, learningRate: 3e-3)
        }
    }

    /// - Parameter tensor: `[batches, blocks, length]`, I32.
    func batches(_ tensor: SafetensorsFile.Tensor) -> [TokenBatch] {
        let (blocks, length) = (tensor.shape[1], tensor.shape[2])
        return (0..<tensor.shape[0]).map { index in
            let tokens = tensor.withBytes { bytes in
                (0..<blocks * length).map { offset in
                    Int32(
                        littleEndian: bytes.loadUnaligned(
                            fromByteOffset: 4 * (index * blocks * length + offset), as: Int32.self))
                }
            }
            return TokenBatch(tokens: tokens, blocks: blocks, length: length)
        }
    }
}
