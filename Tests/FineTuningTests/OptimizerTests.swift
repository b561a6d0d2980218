import FineTuning
import Testing

@Suite("Optimisers")
struct OptimizerTests {
    @Test("SGD without momentum walks down a parabola by its closed form")
    func plainDescent() {
        var values: [Float] = [4, -2]
        var optimizer = SGD(parameterCount: 2)
        for _ in 0..<10 {
            optimizer.step(values: &values, gradient: values, learningRate: 0.25)
        }
        let factor = Float(0.0563135147)  // 0.75^10
        #expect(abs(values[0] - 4 * factor) < 1e-6)
        #expect(abs(values[1] + 2 * factor) < 1e-6)
    }

    @Test("SGD's momentum sums past gradients geometrically")
    func momentum() {
        var values: [Float] = [0]
        var optimizer = SGD(parameterCount: 1, momentum: 0.5)
        for _ in 0..<3 { optimizer.step(values: &values, gradient: [1], learningRate: 1) }
        #expect(values[0] == -(1 + 1.5 + 1.75))
    }

    @Test("AdamW's first step moves each value by the learning rate against its gradient's sign")
    func firstStep() {
        var values: [Float] = [1, 1, 1]
        var optimizer = AdamW(parameterCount: 3)
        optimizer.step(values: &values, gradient: [0.5, -20, 1e-3], learningRate: 0.1)
        for (value, expected) in zip(values, [Float(0.9), 1.1, 0.9]) { #expect(abs(value - expected) < 1e-5) }
    }

    @Test("AdamW decays weights apart from the gradient")
    func decoupledDecay() {
        var values: [Float] = [2]
        var optimizer = AdamW(parameterCount: 1, weightDecay: 0.1)
        optimizer.step(values: &values, gradient: [0], learningRate: 0.5)
        #expect(abs(values[0] - 2 * (1 - 0.05)) < 1e-6)
    }

    @Test("clipping keeps the direction and leaves short gradients alone")
    func clipping() {
        var long: [Float] = [3, 4]
        #expect(abs(GradientClipping.clip(&long, to: 1) - 5) < 1e-6)
        #expect(abs(long[0] - 0.6) < 1e-5 && abs(long[1] - 0.8) < 1e-5)
        var short: [Float] = [0.3, 0.4]
        GradientClipping.clip(&short, to: 1)
        #expect(short == [0.3, 0.4])
    }
}
