import FineTuning
import FixtureFiles
import LanguageModel
import ModelFiles
import Tensor
import Testing

/// Fifty AdamW steps from the same adapter over the same five batches in turn, in bfloat16 and in float32.
///
/// The curves are compared step by step: |bfloat16 − other| / other, of which the mean over the 50 steps must be below
/// 1 %. The other is our own float32 and, independently, PyTorch's losses of the same steps (float64, from float32
/// sums of the fixture's bfloat16 weights), so that an error common to both of our precisions shows, too.
@Suite("Fifty steps in bfloat16")
struct PrecisionTests {
    @Test("follow float32's and PyTorch's losses within 1 %, and differ from float32's")
    func curves() throws {
        let narrow = try curve(.bfloat16)
        let wide = try curve(.float32)
        let expected = try SafetensorsFile(path: directory + "/expected.safetensors")
        let reference = try #require(expected.tensor("adamw.losses")).float32Values().map { Double($0) }
        #expect(narrow.count == 50 && reference.count == 50)
        #expect(meanRelativeDifference(narrow, wide) < 0.01)
        #expect(meanRelativeDifference(narrow, reference) < 0.01)
        #expect(meanRelativeDifference(wide, reference) < 0.0001)
        // Else bfloat16 was not what computed.
        #expect(narrow != wide)
        // A curve that stands still would be close to nothing but itself.
        #expect(narrow[49] < 0.75 * narrow[0])
    }

    private var directory: String { FixtureFiles.path("architectures/llama") }

    private func meanRelativeDifference(_ left: [Double], _ right: [Double]) -> Double {
        zip(left, right).map { abs($0 - $1) / $1 }.reduce(0, +) / Double(right.count)
    }

    private func curve(_ precision: ModelOptions.Precision) throws -> [Double] {
        Threads.limit(to: 1)
        let model = try ModelDirectory(directory).loadModel(ModelOptions(precision: precision))
        let (configuration, layout, values) = try AdapterDirectory.read(directory + "/adapter")
        var adapter = try LowRankAdapter(
            binding: layout, values: values, scale: Float(configuration.scale), to: model.linearLayers)
        let expected = try SafetensorsFile(path: directory + "/expected.safetensors")
        let batches = FiftyStepTests().batches(try #require(expected.tensor("adamw.batches")))
        var optimizer = AdamW(parameterCount: layout.parameterCount, weightDecay: 0.01)
        return (0..<50).map { step in
            var gradient = [Float](repeating: 0, count: layout.parameterCount)
            let loss = model.lossAndGradient(
                batches[step % batches.count], adapter: adapter, dropout: nil, gradientScale: 1, gradient: &gradient)
            GradientClipping.clip(&gradient, to: 1)
            optimizer.step(values: &adapter.values, gradient: gradient, learningRate: 3e-3)
            return loss
        }
    }
}
