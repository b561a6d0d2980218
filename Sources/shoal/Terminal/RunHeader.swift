import Federation
import FineTuning
import LanguageModel
import ModelFiles
import Recipe
import RunFile

/// The lines above a run: what is trained, on what, by whom.
enum RunHeader {
    static func lines(_ prepared: PreparedRun) -> [String] {
        let configuration = prepared.configuration
        let federation = configuration.federation
        let training = configuration.training
        let parameters = prepared.plan.layout.parameterCount
        return [
            "model         \(configuration.model.path) (\(prepared.model.configuration.architecture), "
                + "identity \(String(prepared.manifest.identity.description.prefix(12))))",
            "adapter       LoRA rank \(configuration.adapter.rank) on \(prepared.plan.layers.count) layers: "
                + "\(Quantity.count(parameters)) parameters, \(Quantity.bytes(UInt64(4 * parameters)))",
            "workers       \(federation.workers), \(schedule(federation)), \(federation.rounds) rounds",
            "strategy      \(strategy(federation)), \(training.localSteps) local steps of "
                + "\(training.batchSize) × \(training.sequenceLength) tokens, \(training.optimizer.rawValue) "
                + "\(training.learningRate), updates \(configuration.compression.uplink)",
        ] + (prepared.chatTemplate.map { ["chats         \($0.name.rawValue) template: \($0.reason)"] } ?? [])
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
        return federation.strategy.rawValue + (numbers.isEmpty ? "" : " (\(numbers))") + aggregation
    }
}
