import Recipe
import Testing

@Suite("Steps of a worker with little text")
struct LocalEpochsTests {
    @Test(
        "are as many as make the passes, rounded up, and no more than local-steps",
        arguments: [
            // Items, passes, and steps of 4 × 2 of them.
            (80, 1.0, 10), (81, 1.0, 11), (8, 1.0, 1), (1, 1.0, 1), (40, 0.5, 3), (40, 3.0, 15), (400, 1.0, 20),
            (Int.max, 1e300, 20), (1, 1e-300, 1),
        ])
    func steps(_ items: Int, _ epochs: Double, _ steps: Int) {
        var options = TrainingOptions(localSteps: 20, batchSize: 4, accumulationSteps: 2)
        #expect(options.steps(items: items) == 20)
        options.localEpochs = epochs
        #expect(options.steps(items: items) == steps)
    }
}
