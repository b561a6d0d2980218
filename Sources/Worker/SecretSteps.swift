public import Federation
package import FineTuning
internal import Recipe

/// Coins and noise of a private training, from the system's cryptographic generator; nothing of it is kept, so a training
/// that is repeated draws anew, and pays anew.
package struct SecretSteps: PrivateSteps.Source {
    private var stream: SecretStream
    private let deviation: Double

    /// - Parameter deviation: Of the noise on each value of a step's sum.
    package init(deviation: Double, key: [UInt8] = SecretStream.randomKey()) {
        stream = SecretStream(key: key)
        self.deviation = deviation
    }

    package mutating func coin() -> Double { Double(stream.next() >> 11) * 0x1p-53 }

    package mutating func addNoise(to sum: inout [Double]) {
        NormalNoise.add(to: &sum, deviation: deviation, using: &stream)
    }
}

/// What a training task with noise on its examples pays, before its first step.
///
/// - Returns: Why the owner's policy does not let it; `nil` where it is paid for.
public typealias ExamplePayment = @Sendable (_ step: SampledGaussian, _ steps: Int) throws -> PolicyRefusal?

extension PrivateSteps {
    /// Pays for a task's steps and makes them ready.
    ///
    /// - Parameter count: Examples to train on.
    /// - Returns: No steps where the task asks for none; why not where they cannot be paid for.
    package static func paid(_ task: LocalTask, count: Int) throws -> (steps: PrivateSteps?, refusal: TaskReason?) {
        guard let clip = task.training.exampleClip, let noise = task.training.exampleNoiseMultiplier else {
            return (nil, nil)
        }
        // Balanced, rare examples would be drawn more often than they pay for, and missing classes show in the loss.
        guard !task.training.balancesClasses else {
            return (
                nil,
                """
                the run asks for noise on single examples, and balances classes, which that noise does not cover; set \
                training.balance-classes: false
                """
            )
        }
        let batch = Double(task.training.batchSize) * Double(task.training.accumulationSteps)
        let rate = min(1, batch / Double(max(1, count)))
        let step = try SampledGaussian(samplingRate: rate, noiseMultiplier: noise)
        guard let pay = task.examplePayment else {
            return (nil, "this worker keeps no account of what single examples pay")
        }
        if let refusal = try pay(step, max(1, task.training.localSteps)) { return (nil, TaskReason(refusal)) }
        return (PrivateSteps(samplingRate: rate, clip: clip, source: SecretSteps(deviation: noise * clip)), nil)
    }
}
