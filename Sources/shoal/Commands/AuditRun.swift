import ArgumentParser
import Auditing
import Coordinator
import Federation
import FineTuning
import LanguageModel
import Tensor

struct AuditRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Find out which canaries an adapter remembers, and what that says of epsilon.")

    @OptionGroup var target: AuditTarget

    @Option(help: "The canaries and their coins, as `shoal audit canaries` wrote them.")
    var canaries: String

    @Option(
        help: "The run's state directory: its privacy ledger gives the upper bound, and keeps what this audit found.")
    var state: String?

    @Option(
        help: "Probability that the audited guarantee fails, for both bounds (default: the ledger's, else 1e-5).")
    var delta: Double?

    @Option(help: "Probability that the lower bound holds.")
    var confidence = 0.95

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        if let delta, !(delta >= 0 && delta < 1) { throw ValidationError("--delta must be at least 0 and below 1") }
        guard confidence > 0, confidence < 1 else { throw ValidationError("--confidence must be between 0 and 1") }
    }

    func run() throws {
        let result = try usingInput {
            let result = try audit()
            try state.map { try AuditNote.write(result, to: $0) }
            return result
        }
        if json { try JSONLine.print(result) } else { for line in result.lines { Console.output(line) } }
        if result.isRefuted {
            throw CommandFailure.failed(
                "the lower bound is above the accountant's epsilon: the guarantee does not hold")
        }
    }

    private func audit() throws -> CanaryAudit {
        let set = try CanaryFile.read(canaries)
        let upper = try state.map { try AccountedEpsilon(state: $0, unit: set.unit, delta: delta) } ?? nil
        let losses = try target.losses()
        let found = try set.canaries.map { canary in
            guard let pair = try losses.of(DataRow(.completion(prompt: canary.prompt, completion: canary.secret)))
            else {
                throw CommandFailure.badInput("\(canaries): \(canary.name) has no token to predict")
            }
            return (canary, pair)
        }
        return CanaryAudit(
            found.map { ($0.isInserted, $1) }, unit: set.unit, delta: delta ?? upper?.delta ?? 1e-5,
            confidence: confidence, upper: upper?.epsilon)
    }
}

/// The accountant's epsilon for the change that one canary is.
struct AccountedEpsilon {
    let epsilon: Double
    let delta: Double

    /// A canary that is a worker of its own is there or not: what the accountant counts. One among a worker's rows
    /// changes that worker's update by up to twice the clip, which is as half the noise.
    ///
    /// - Parameter delta: `nil`: the ledger's.
    /// - Returns: `nil` for a run without differential privacy.
    init?(state: String, unit: CanarySet.Unit, delta: Double?) throws {
        let ledger = try Ledger.existing(in: state, wallClock: WallClock.unixSeconds)
        guard let terms = try ledger.privacyTerms() else { return nil }
        self.delta = delta ?? terms.delta
        let budget = PrivacyBudget(epsilon: terms.epsilon, delta: self.delta, lattice: terms.lattice)
        var worst = 0.0
        let spent = try ledger.privacySpentByWorker()
        let common = spent[nil] ?? [:]
        for (name, steps) in spent.isEmpty ? [nil: common] : spent {
            let all = name == nil ? common : common.merging(steps, uniquingKeysWith: +)
            var counted: [SampledGaussian: Int] = [:]
            for (step, count) in all {
                guard unit == .example else {
                    counted[step, default: 0] += count
                    continue
                }
                let noise = step.noiseMultiplier / 2
                guard noise >= SampledGaussian.leastNoiseMultiplier else {
                    worst = .infinity
                    continue
                }
                counted[try SampledGaussian(samplingRate: step.samplingRate, noiseMultiplier: noise), default: 0] +=
                    count
            }
            worst = max(worst, try budget.spent(counted))
        }
        epsilon = worst
    }
}
