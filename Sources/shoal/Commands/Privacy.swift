import ArgumentParser
import Auditing
import Federation

struct Privacy: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Plan the noise of a differentially private run, or count what steps cost.",
        subcommands: [Plan.self, Account.self, PrivacyOfWorker.self])

    struct Plan: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Find the noise that keeps a privacy budget, and what it leaves of the signal.",
            discussion: """
                Counts worker-level differential privacy with central noise: each round a secret coin per enrolled \
                worker, updates clipped to one norm, normal noise on their sum, the divisor the expected number of \
                workers. With --separation, noise that is correlated over rounds instead (DP-FTRL): no coins, and no \
                worker takes part twice within so many rounds. Epsilon is counted by privacy loss distributions.
                """)

        @Option(help: "The budget; above 0.")
        var epsilon: Double

        @Option(help: "Probability that the guarantee fails; well below 1 / workers.")
        var delta: Double

        @Option(help: "Enrolled workers.")
        var workers: Int

        @Option(help: "Workers that a round's coins choose on average.")
        var perRound: Int

        @Option(help: "Rounds of the run.")
        var rounds: Int

        @Option(
            help: "Rounds from one participation of a worker to the next, at least, for noise correlated over rounds.")
        var separation: Int?

        @Option(help: "Trained parameters: noise grows with their square root (default: rank 8 on SmolLM2-135M).")
        var parameters = 2_442_240

        @Flag(help: "Print one JSON object instead of text.")
        var json = false

        @OptionGroup var log: LogOptions

        func validate() throws {
            guard workers >= 1 else { throw ValidationError("--workers must be at least 1") }
            guard (1...workers).contains(perRound) else {
                throw ValidationError("--per-round must be from 1 to the number of workers, \(workers)")
            }
            guard rounds >= 1 else { throw ValidationError("--rounds must be at least 1") }
            if let separation, !(1...max(1, workers / max(1, perRound))).contains(separation) {
                throw ValidationError(
                    "--separation must be from 1 to \(max(1, workers / max(1, perRound))): after so many rounds all "
                        + "workers have had their turn")
            }
            guard parameters >= 1 else { throw ValidationError("--parameters must be at least 1") }
        }

        func run() throws {
            try usingInput {
                let plan = try PrivacyPlan(
                    epsilon: epsilon, delta: delta, workers: workers, perRound: perRound, rounds: rounds,
                    parameters: parameters, separation: separation)
                if json { return try JSONLine.print(plan) }
                var table = TextTable()
                table.add("noise multiplier", Quantity.fixed(plan.noiseMultiplier, digits: 4))
                table.add("epsilon spent", Quantity.fixed(plan.epsilonSpent, digits: 4))
                table.add("noise norm / clip", Quantity.fixed(plan.noiseNormOverClip, digits: 3))
                table.add(
                    "noise norm / clip, adapter",
                    Quantity.fixed(
                        plan.adapterNoisePerParameterOverClip * Double(parameters).squareRoot(), digits: 3))
                table.add("signal / noise", Quantity.fixed(plan.signalToNoise, digits: 4))
                for line in table.lines { Console.output(line) }
                if delta * Double(workers) >= 1 {
                    Console.error("delta should be well below 1 / workers, which is \(1 / Double(workers))")
                }
            }
        }
    }

    struct Account: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Count the epsilon of a number of steps, by Rényi divergences and by privacy loss distributions.")

        @Option(help: "Probability with which a worker takes part in a step; above 0, at most 1.")
        var samplingRate: Double

        @Option(help: "Standard deviation of the noise over the clip.")
        var noiseMultiplier: Double

        @Option(help: "Steps (rounds).")
        var steps: Int

        @Option(help: "Probability that the guarantee fails.")
        var delta: Double

        @Flag(help: "Print one JSON object instead of text.")
        var json = false

        @OptionGroup var log: LogOptions

        func run() throws {
            try usingInput {
                let step = try SampledGaussian(samplingRate: samplingRate, noiseMultiplier: noiseMultiplier)
                let rdp = try RenyiAccountant.epsilon([step: steps], delta: delta)
                let pld = try PrivacyLossAccountant.epsilon([step: steps], delta: delta)
                if json { return try JSONLine.print(PrivacySpent(rdp: rdp, pld: pld)) }
                var table = TextTable()
                table.add("epsilon, privacy loss distribution", Quantity.fixed(pld, digits: 6))
                table.add("epsilon, Rényi divergences", Quantity.fixed(rdp, digits: 6))
                for line in table.lines { Console.output(line) }
            }
        }
    }
}

/// What `shoal privacy account --json` prints.
private struct PrivacySpent: Encodable {
    @NumberOrNull var rdp: Double?
    @NumberOrNull var pld: Double?
}
