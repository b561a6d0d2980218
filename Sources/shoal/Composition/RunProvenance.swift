import Coordinator
import Federation
import FoundationEssentials
import ModelFiles
import Recipe
import Reporting
import RunFile
import SecureAggregation
import Wire

/// What an exported adapter's model card says of its run: nothing of anybody's text, and no worker's name.
struct RunProvenance {
    let ledger: Ledger
    let run: RunRecord
    /// The round whose adapter is exported.
    let round: Int
    /// `nil` when another release wrote it and this one cannot read it.
    let configuration: RunConfiguration?

    init(ledger: Ledger, round: Int?) throws {
        guard let run = try ledger.run() else { throw LedgerError.noRun }
        self.ledger = ledger
        self.run = run
        self.round = try round ?? ledger.currentAdapter()?.version ?? 0
        configuration = try? RunConfiguration(canonicalJSON: run.configuration)
    }

    /// The base model's folder, or `built-in`, as the run file names it.
    var basePath: String? { configuration?.model.path }

    /// - Parameters:
    ///   - base: What the adapter was merged into; `nil`: nothing.
    ///   - baseName: What the card calls the base model.
    ///   - weights: Hash of the file of weights beside the card.
    ///   - relativeError: Of a cut to a lower rank; `nil`: it was not cut.
    func card(
        _ kind: ModelCard.Kind, base: MergeBase? = nil, baseName: String, adapter: AdapterConfiguration,
        layout: AdapterLayout, labels: [String], weights: ContentHash, relativeError: Double?
    ) throws -> ModelCard {
        let proof = try RecordProof(ledger: ledger, round: round).map { proof in
            ModelCard.Proof(
                record: proof.number, head: proof.head,
                key: ContentHash(bytes: proof.publicKey.bytes)?.description ?? "",
                adapter: proof.adapter)
        }
        return ModelCard(
            kind, baseModel: baseName, baseIdentity: base?.identity ?? run.baseModel, run: run.id.text, round: round,
            taskType: adapter.taskType,
            labels: labels, adapter: describe(adapter, layout, relativeError), training: try training(base),
            privacy: try privacy(), weights: weights, proof: proof, software: shoalVersion)
    }

    private func describe(
        _ adapter: AdapterConfiguration, _ layout: AdapterLayout, _ relativeError: Double?
    ) -> [ModelCard.Fact] {
        let layers = Set(layout.entries.compactMap { AdapterTensorName($0.name)?.layer })
        var facts = [
            ModelCard.Fact(
                "method", adapter.isWeightDecomposed ? "DoRA" : adapter.isRankStabilised ? "rsLoRA" : "LoRA"),
            .init(
                "rank", "\(adapter.rank)" + (adapter.rankPattern.isEmpty ? "" : " at most; it differs between layers")),
            .init("alpha", "\(adapter.alpha)"), .init("layers", Quantity.count(layers.count)),
            .init("parameters", Quantity.count(layout.parameterCount)),
        ]
        if let relativeError {
            facts.append(
                .init("cut to this rank", "relative error \(Quantity.fixed(100 * relativeError, digits: 3)) %"))
        }
        return facts
    }

    private func training(_ base: MergeBase?) throws -> [ModelCard.Fact] {
        var facts = settings().map { ModelCard.Fact($0.name, $0.value) }
        if let given = try participation() {
            facts += [
                .init("workers that gave updates", Quantity.count(given.workers)),
                .init("updates", Quantity.count(given.updates)),
                .init("tokens trained on", Self.tokens(given)),
            ]
        } else {
            facts.append(.init("workers", Self.secret))
        }
        if let base, base.identity != run.baseModel {
            // What was measured, was measured on the other one.
            facts.append(.init("trained on a quantised copy of it", run.baseModel.description, isCode: true))
            return facts
        }
        let evaluations = try ledger.evaluations()
        if let base = evaluations[0] {
            facts.append(.init("held-out loss of the base model", Quantity.loss(base.loss)))
        }
        if round > 0, let own = evaluations[round] {
            facts.append(.init("held-out loss with this adapter", Quantity.loss(own.loss)))
            if let accuracy = own.accuracy {
                facts.append(.init("held-out accuracy", Quantity.fixed(accuracy, digits: 4)))
            }
        }
        return facts
    }

    /// What stands behind an adapter.
    struct Participation {
        let workers: Int
        let updates: Int
        /// Those of them that told the tokens they were trained on.
        let updatesThatTold: Int
        /// Of these; `nil` where none of the updates told.
        let tokens: UInt64?
    }

    static let secret = "who and how many took part in a round is secret"

    /// What stands behind the adapter: updates of this round and those before it. `nil` where that is secret.
    func participation() throws -> Participation? {
        guard try ledger.privacyTerms()?.mechanism != .central else { return nil }
        let updates = try (0..<round).flatMap { before in
            guard let attempt = try ledger.publishedRound(before + 1)?.attempt else { return [UpdateRecord]() }
            return try ledger.countedUpdates(in: before + 1, attempt: attempt).map(\.record)
        }
        let told = updates.compactMap(\.tokens)
        return Participation(
            workers: Set(updates.map(\.worker)).count, updates: updates.count, updatesThatTold: told.count,
            tokens: told.isEmpty && !updates.isEmpty ? nil : told.reduce(0, +))
    }

    /// What was trained on, as far as owners let their workers tell.
    private static func tokens(_ given: Participation) -> String {
        guard let tokens = given.tokens else { return "withheld" }
        let text = Quantity.count(Int(clamping: tokens))
        return given.updatesThatTold == given.updates
            ? text : "\(text) behind \(Quantity.count(given.updatesThatTold)) of the updates; withheld for the others"
    }

    /// The settings that say most about a run.
    func settings() -> [(name: String, value: String)] {
        guard let configuration else { return [] }
        let (federation, training) = (configuration.federation, configuration.training)
        var facts = [
            ("rounds planned", "\(federation.rounds)"), ("workers planned", Quantity.count(federation.workers)),
            ("strategy", federation.strategy.rawValue), ("aggregation", federation.aggregation.rawValue),
            ("schedule", federation.schedule.rawValue),
            (
                "local training",
                "\(training.stepsText) of \(training.batchSize) × \(training.sequenceLength) tokens a round, "
                    + "\(training.optimizer.rawValue), learning rate \(training.learningRate)"
            ),
            ("updates sent as", "\(configuration.compression.uplink)"),
            ("adapters sent as", "\(configuration.compression.downlink)"),
        ]
        if let rules = federation.robust.rules {
            facts.append(("rules against bad updates", rules.names.map(\.rawValue).joined(separator: ", ")))
        }
        return facts
    }

    /// What shows where the newest adapter comes from.
    func facts() throws -> [(name: String, value: String)] {
        var facts = [
            ("base model", basePath?.split(separator: "/").last.map(String.init) ?? "unknown"),
            ("base model's identity", run.baseModel.description),
        ]
        if let proof = try RecordProof(ledger: ledger, round: round) {
            facts += [
                ("adapter of round \(round)", proof.adapter.description),
                ("record of the round", "\(proof.number)"), ("its hash", proof.head.description),
                ("record key", ContentHash(bytes: proof.publicKey.bytes)?.description ?? ""),
                ("checked with", "shoal run verify STATE --head HASH --key KEY"),
            ]
        }
        return facts
    }

    /// Sentences about what is promised to the workers.
    func privacy() throws -> [String] {
        var sentences: [String] = []
        if let report = try PrivacyReport(ledger: ledger) {
            let terms = report.terms
            sentences.append(
                "Differential privacy for each worker with all its text together: epsilon "
                    + "\(Quantity.fixed(report.epsilonSpent, digits: 4)) spent by the run so far, of at most "
                    + "\(Quantity.fixed(terms.epsilon, digits: 4)), at delta \(terms.delta); mechanism \(terms.mechanism.rawValue), "
                    + "noise multiplier \(Quantity.fixed(terms.noiseMultiplier, digits: 4)).")
            if terms.isSeeded {
                sentences.append(
                    "THIS WAS A SIMULATION: its noise came from a seed, and whoever knows the seed can take it away.")
            }
        } else {
            sentences.append(
                "No differential privacy: what is learned from the adapter about one worker's text has no bound.")
        }
        if let masks = configuration?.maskingOptions {
            sentences.append(
                "The coordinator saw sums of at least \(masks.minimumCohort) workers' updates, and no single update.")
        }
        return sentences
    }
}
