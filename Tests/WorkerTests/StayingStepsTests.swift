import Federation
import FineTuning
import Recipe
import RunFile
import Testing
import Wire
import Worker

/// A policy's steps against what the optimiser itself leaves of each.
@Suite("Steps that stay in a round's update")
struct StayingStepsTests {
    private static func sgd(_ pull: Double, momentum: Double = 0, steps: Int = 12) -> TrainingOptions {
        var options = TrainingOptions(
            localSteps: steps, optimizer: .sgd, learningRate: 0.1, weightDecay: pull / 4, momentum: momentum)
        options.proximal = pull == 0 ? nil : pull * 3 / 4
        return options
    }

    /// How far each step's gradient moves the end: the optimiser with a gradient in that step alone.
    private func counted(_ options: TrainingOptions) -> Int {
        let schedule = LearningRateSchedule(options)
        let weights = (1...options.localSteps).map { chosen in
            var optimizer = makeOptimizer(options, parameterCount: 1)
            var values: [Float] = [0]
            for step in 1...options.localSteps {
                var gradient: [Float] = [step == chosen ? 1 : 0]
                if let weight = options.proximal {
                    Proximal.add(weight, values: values, start: [0], to: &gradient)
                }
                optimizer.step(values: &values, gradient: gradient, learningRate: schedule.rate(at: step))
            }
            return abs(values[0])
        }
        let largest = weights.max() ?? 0
        return weights.count { $0 > 0 && $0 >= largest / 10 }
    }

    private func isTaken(_ options: TrainingOptions, minimum: Int) throws -> Bool {
        let bench = WorkerBench()
        try bench.start(policy: try OwnerPolicy(yaml: "training: {minimum-steps: \(minimum)}"))
        bench.openSession()
        var offer = bench.offer()
        offer.training = options
        bench.receive(.offer(offer), round: 1, attempt: 1)
        return bench.declines.isEmpty
    }

    @Test(
        "as many as the optimiser leaves",
        arguments: [
            sgd(0), sgd(0.1), sgd(3), sgd(6), sgd(9.9), sgd(15), sgd(0, momentum: 0.9), sgd(0, momentum: 0.97),
            sgd(3, momentum: 0.5), sgd(9, momentum: 0.05),
        ])
    func staying(_ options: TrainingOptions) throws {
        let count = counted(options)
        #expect(try isTaken(options, minimum: count))
        #expect(try !isTaken(options, minimum: count + 1))
    }

    @Test func theCasesDiffer() {
        #expect(counted(Self.sgd(0)) == 12 && counted(Self.sgd(0, momentum: 0.9)) == 12)
        #expect(counted(Self.sgd(9.9)) == 1 && counted(Self.sgd(3)) == 7)
    }

    /// Whatever the scale of the gradients, AdamW's steps are as long as the rate: the next one undoes the last.
    @Test func besideAProximalTermOneOfAdamWsStays() throws {
        var options = TrainingOptions(localSteps: 12, optimizer: .adamw, learningRate: 1e-3)
        #expect(try isTaken(options, minimum: 12))
        options.proximal = 1e-6
        #expect(try isTaken(options, minimum: 1))
        #expect(try !isTaken(options, minimum: 2))
        options.proximal = nil
        // Decay is AdamW's own: e^-1.2 of the first step is left, then e^-6.
        options.weightDecay = 100
        #expect(try isTaken(options, minimum: 12))
        options.weightDecay = 500
        #expect(try !isTaken(options, minimum: 12))
    }
}
