import Federation
import ModelFiles
import Randomness
import Testing

@Suite("Server optimisers")
struct ServerOptimizerTests {
    struct Trace: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let strategy: ServerStrategy
        /// The adapter after each of three rounds.
        let expected: [[Double]]
    }

    private static let adaptive = AdaptiveOptions(learningRate: 0.1)
    private static let deltas: [[Float]] = [[0.5, -0.25], [-0.125, 0.75], [0.25, 0]]

    /// Worked out with numpy in double precision; DiLoCo's with torch.optim.SGD(lr=0.7, momentum=0.9, nesterov=True).
    private static let traces = [
        Trace(
            testDescription: "fedavg", strategy: .fedAvg, expected: [[1.5, -2.25], [1.375, -1.5], [1.625, -1.5]]),
        Trace(
            testDescription: "fedavgm", strategy: .fedAvgM(learningRate: 0.8, momentum: 0.5),
            expected: [[1.4, -2.2], [1.5, -1.7], [1.75, -1.45]]),
        Trace(
            testDescription: "fedadam", strategy: .fedAdam(adaptive),
            expected: [
                [1.098039216, -2.096153846], [1.160185803, -2.030543119], [1.253991126, -1.97119972],
            ]),
        Trace(
            testDescription: "fedyogi", strategy: .fedYogi(adaptive),
            expected: [
                [1.098039216, -2.096153846], [1.159898237, -2.030575523], [1.252979836, -1.971555032],
            ]),
        Trace(
            testDescription: "fedadagrad", strategy: .fedAdagrad(adaptive),
            expected: [
                [1.00998004, -2.009960159], [1.016273755, -2.003327766], [1.025727906, -1.997358611],
            ]),
        Trace(
            testDescription: "diloco", strategy: .diLoCo(learningRate: 0.7, momentum: 0.9),
            expected: [[1.665, -2.3325], [1.78225, -1.47675], [2.299025, -1.179075]]),
    ]

    @Test("walk the path that the papers' rules give", arguments: traces)
    func path(_ given: Trace) {
        var optimizer = given.strategy.optimizer(parameterCount: 2)
        var global: [Float] = [1, -2]
        for (delta, expected) in zip(Self.deltas, given.expected) {
            optimizer.step(global: &global, delta: delta)
            for (value, wanted) in zip(global, expected) { #expect(abs(Double(value) - wanted) < 2e-6) }
        }
    }

    @Test("with no momentum and rate 1, FedAvgM and DiLoCo are FedAvg")
    func plain() {
        for strategy in [ServerStrategy.fedAvgM(learningRate: 1, momentum: 0), .diLoCo(learningRate: 1, momentum: 0)] {
            var optimizer = strategy.optimizer(parameterCount: 2)
            var average = FedAvg()
            var (left, right): ([Float], [Float]) = ([0.1, 7], [0.1, 7])
            for delta in Self.deltas {
                optimizer.step(global: &left, delta: delta)
                average.step(global: &right, delta: delta)
            }
            #expect(left == right)
        }
    }

    @Test("go on from a stored state bit for bit", arguments: traces)
    func restart(_ given: Trace) throws {
        var random = CounterRandom(key: 3)
        let rounds = (0..<6).map { _ in (0..<50).map { _ in random.normal() } }
        var through = given.strategy.optimizer(parameterCount: 50)
        var optimizer = through
        var expected = [Float](repeating: 1, count: 50)
        var global = expected
        for (number, delta) in rounds.enumerated() {
            through.step(global: &expected, delta: delta)
            optimizer.step(global: &global, delta: delta)
            guard number == 2, !optimizer.state.vectors.isEmpty else { continue }
            let bytes = optimizer.state.encoded()
            optimizer = given.strategy.optimizer(parameterCount: 50)
            optimizer.state = try ServerOptimizerState(decoding: bytes)
        }
        #expect(global == expected)
    }

    @Test("a state belongs to its strategy and its adapter's size")
    func shape() {
        let momentum = ServerStrategy.fedAvgM(learningRate: 1, momentum: 0.9).initialState(parameterCount: 3)
        #expect(momentum.hasShape(of: ServerOptimizerState(["velocity": [1, 2, 3]])))
        #expect(!momentum.hasShape(of: ServerOptimizerState(["velocity": [1, 2]])))
        #expect(!momentum.hasShape(of: ServerStrategy.fedAdam(AdaptiveOptions()).initialState(parameterCount: 3)))
        #expect(ServerStrategy.fedNova(localMomentum: 0).initialState(parameterCount: 3).vectors.isEmpty)
    }
}
