import ArgumentParser
import Auditing
import Federation
import Worker

/// What a worker's own account says, on the worker's machine.
struct PrivacyOfWorker: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Tell what a worker's trainings have cost its single examples, by the worker's own account.",
        discussion: """
            Counts runs with privacy.example-clip: what anybody can conclude from all that this worker has sent is at \
            most e^epsilon times as likely with any one block or example in its text as without it, but for a chance of \
            delta. Steps count from before a training begins, whether or not its update left.
            """)

    @Option(help: "The worker's state folder (NAME.shoal-state).")
    var state: String

    @Option(help: "Probability that the guarantee fails; well below 1 / examples.")
    var delta = 1e-5

    @Flag(help: "Print one JSON object instead of the listing.")
    var json = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        guard delta >= PrivacyLossAccountant.leastDelta, delta < 1 else {
            throw ValidationError("\(PrivacyError.delta(delta))")
        }
    }

    func run() throws {
        try usingInput {
            let ledger = try ExampleLedger(folder: state)
            let epsilon = try ledger.epsilon(delta: delta)
            let renyi = try PrivacyBudget(epsilon: .infinity, delta: delta).spentRenyi(ledger.steps)
            if json {
                return try JSONLine.print(
                    ExamplePrivacyLine(epsilon: epsilon, epsilonRenyi: renyi, delta: delta, entries: ledger.entries))
            }
            guard !ledger.entries.isEmpty else {
                return Console.output("No training here has added noise to gradients of single examples.")
            }
            var table = TextTable(alignment: .left)
            table.add("epsilon, all runs", "\(Quantity.fixed(epsilon, digits: 4)) (privacy loss distributions; counts)")
            table.add("", "\(Quantity.fixed(renyi, digits: 4)) (Rényi divergences; second opinion)")
            table.add("delta", "\(delta)")
            for entry in ledger.entries {
                table.add(
                    "run \(entry.run)",
                    "\(entry.steps) steps, each example by a coin of \(Quantity.fixed(entry.samplingRate, digits: 6)), noise "
                        + "\(Quantity.fixed(entry.noiseMultiplier, digits: 4)) times the clip")
            }
            for line in table.lines { Console.output(line) }
        }
    }
}

/// What `shoal privacy worker --json` prints.
private struct ExamplePrivacyLine: Encodable {
    @NumberOrNull var epsilon: Double?
    @NumberOrNull var epsilonRenyi: Double?
    let delta: Double
    let entries: [ExampleLedger.Entry]
}
