import Federation
import Recipe
import RunFile
import Testing
import Wire
import Worker

/// A round of ten steps of 4 blocks, or one pass over the worker's text if that is sooner.
@Suite("Steps of a worker that does not tell the size of its text")
struct HiddenItemsTests {
    let bench = WorkerBench()

    private func task(_ policy: OwnerPolicy? = nil, withholds: Bool = false) throws -> LocalTask {
        try bench.start(policy: policy)
        bench.openSession(features: [Feature.roundRecords, Feature.privateUpdates])
        var offer = bench.offer(lease: 1)
        offer.training = TrainingOptions(localSteps: 10, batchSize: 4)
        offer.training.localEpochs = 1
        if withholds { offer.privacy = UpdatePrivacy(withholdsMetrics: true) }
        bench.receive(.offer(offer), round: 1, attempt: 1)
        bench.serveAll([bench.adapter])
        return try #require(bench.runner.started.first)
    }

    @Test func areFewerWithLittleText() throws {
        let task = try task()
        #expect([1, 8, 9, 36, 400].map(task.steps) == [1, 2, 3, 9, 10])
    }

    @Test func areNoFewerThanTheOwnerAsks() throws {
        let task = try task(try OwnerPolicy(yaml: "training: {minimum-steps: 10}"))
        #expect(task.refusal?(36, .train)?.rule == .minimumSteps && task.refusal?(36, .train)?.here == "9")
        #expect(task.refusal?(37, .train) == nil && task.refusal?(400, .train) == nil)
    }

    @Test func areAllWhereTheRunAsksNoMetrics() throws {
        let task = try task(withholds: true)
        #expect([1, 8, 400].map(task.steps) == [10, 10, 10])
    }

    @Test(arguments: ["metrics: {allow: none}", "metrics: {allow: [tokens, training-loss]}"])
    func areAllWhereTheOwnerKeepsTheNumber(_ yaml: String) throws {
        let task = try task(try OwnerPolicy(yaml: yaml))
        #expect([1, 8, 400].map(task.steps) == [10, 10, 10])
    }

    @Test func areAllWhereThereIsTooLittleToTellOf() throws {
        let task = try task(try OwnerPolicy(yaml: "metrics: {minimum-examples: 12}"))
        #expect([8, 11, 12, 16].map(task.steps) == [10, 10, 3, 4])
    }
}
