import Federation
import FineTuning
import Glibc
import LanguageModel
import ModelFiles
import Recipe
import RunFile
import SecureAggregation

/// The lines above a run: what is trained, on what, by whom.
enum RunHeader {
    static func lines(_ prepared: PreparedRun) -> [String] {
        let configuration = prepared.configuration
        let federation = configuration.federation
        let training = configuration.training
        let parameters = prepared.layout.parameterCount
        return [
            "model         \(configuration.model.path) (\(prepared.model.configuration.architecture), "
                + "identity \(String(prepared.manifest.identity.description.prefix(12))))",
            "adapter       LoRA rank \(rank(configuration.ranks)) on \(prepared.plan.layers.count) layers: "
                + "\(Quantity.count(parameters)) parameters, \(Quantity.bytes(UInt64(4 * parameters)))",
            "workers       \(federation.workers), \(schedule(federation)), \(federation.rounds) rounds",
            "strategy      \(strategy(federation)), \(training.stepsText) of "
                + "\(training.batchSize) × \(training.sequenceLength) tokens, \(training.optimizer.rawValue) "
                + "\(training.learningRate), updates \(updates(configuration))",
        ] + robust(configuration, parameters: parameters) + privacy(configuration)
            + (prepared.chatTemplate.map { ["chats         \($0.name.rawValue) template: \($0.reason)"] } ?? [])
    }

    /// `dense`, or `under masks, 127 steps a side, at least 3 in a sum`.
    private static func updates(_ configuration: RunConfiguration) -> String {
        guard let masks = configuration.maskingOptions else { return "\(configuration.compression.uplink)" }
        return "under masks, \(masks.levels) steps a side, at least \(masks.minimumCohort) in a sum"
    }

    private static func privacy(_ configuration: RunConfiguration) -> [String] {
        guard let options = configuration.privacyOptions else { return [] }
        return [
            "privacy       \(options.mechanism.rawValue) noise, epsilon \(options.epsilon), delta \(options.delta) for each "
                + "worker's whole text"
        ]
    }

    /// `8`, `4, 8, 16 in turn`, or `4 to 16 by each worker's host`.
    private static func rank(_ options: RankOptions) -> String {
        switch options.workerRanks {
        case .same(let rank): "\(rank)"
        case .dealt(let ranks): ranks.map(String.init).joined(separator: ", ") + " in turn"
        case .byResources(let bounds): "\(bounds.lowerBound) to \(bounds.upperBound) by each worker's host"
        }
    }

    /// `arc → nnm → trimmed-mean, 4 bad updates a round …`, and what memory that takes.
    private static func robust(_ configuration: RunConfiguration, parameters: Int) -> [String] {
        let federation = configuration.federation
        guard let robust = federation.robustOptions else { return [] }
        var line = "robust        \(robust.chain), for up to \(robust.f) bad updates a round"
        let heldOut = configuration.evaluation.source == .heldOutWorkers ? configuration.evaluation.heldOutWorkers : 0
        if let tail = federation.badWorkerTail(heldOut: heldOut) {
            let above = tail.probability(above: robust.f)
            let some = 1 - pow(1 - above, Double(federation.rounds))
            line +=
                " (with \(tail.bad) of \(tail.workers) bad, more come in \(Quantity.fixed(100 * above, digits: 2)) % "
                + "of rounds, in some round of the run with probability \(Quantity.fixed(some, digits: 2)))"
        }
        let bytes = UInt64(4 * parameters) * UInt64(federation.workersAsked)
        return [line, "              all updates of a round are held at once: \(Quantity.bytes(bytes))"]
    }

    /// `10 a round`, or `20 at once, 10 updates a version`.
    private static func schedule(_ federation: FederationOptions) -> String {
        if let buffering = federation.buffering {
            return "\(buffering.concurrency) at once, \(buffering.size) updates a version"
        }
        let asked = federation.workersAsked
        let surplus = asked > federation.workersPerRound ? " of \(asked) asked" : ""
        let policy = federation.selection == .uniform ? "" : ", selection \(federation.selection.rawValue)"
        return "\(federation.workersPerRound)\(surplus) a round\(policy)"
    }

    /// `fedavg`, or `diloco (server-learning-rate 0.7, server-momentum 0.9), ffa-lora`.
    private static func strategy(_ federation: FederationOptions) -> String {
        let numbers = federation.strategyOptions.description
        let aggregation = federation.aggregation == .separate ? "" : ", \(federation.aggregation.rawValue)"
        let personal = federation.personalisation == .none ? "" : ", \(federation.personalisation.rawValue)"
        return federation.strategy.rawValue + (numbers.isEmpty ? "" : " (\(numbers))") + aggregation + personal
    }
}
