import Coordinator
import Federation
import FoundationEssentials
import Interchange
import LanguageModel
import ModelFiles
import Reporting
import RunFile

/// A round's global model as an adapter that leaves the state directory.
struct ExportedAdapter {
    private(set) var configuration: AdapterConfiguration
    private(set) var layout: AdapterLayout
    /// `[layout.parameterCount]`, float32.
    private var values: [Float]
    private let labels: [String]
    /// What a cut to a lower rank lost; `nil`: it was not cut.
    private(set) var relativeError: Double?

    /// - Parameters:
    ///   - round: `nil` takes the current adapter.
    ///   - rank: Cuts to this rank; `nil` leaves it as it is.
    init(state: String, round: Int?, rank: Int?) throws {
        let source = StateDirectory.adapter(in: state, round: round)
        guard FileManager.default.fileExists(atPath: source) else {
            throw CommandFailure.badInput(
                "\(state) holds no adapter of round \(round ?? 0); leave --round out for the current one")
        }
        (configuration, layout, values) = try AdapterDirectory.read(source)
        labels = try AdapterDirectory.labels(source) ?? []
        guard let rank else { return }
        guard !configuration.isWeightDecomposed else {
            throw CommandFailure.badInput(
                "--rank: an adapter with magnitudes (DoRA) cannot be cut, they belong to the whole product; leave it out"
            )
        }
        let cut = try AdapterCut(values, layout: layout, configuration: configuration, rank: rank)
        (configuration, layout, values) = (cut.configuration, cut.layout, cut.values)
        relativeError = cut.relativeError
    }

    /// Writes a copy of a base model with the adapter in its weights, and then its model card.
    ///
    /// - Parameters:
    ///   - name: What the card calls the base model.
    func merge(into base: MergeBase, at path: String, card provenance: RunProvenance, named name: String) throws {
        try ModelDirectory(base.path).merge(values, layout: layout, configuration: configuration, at: path)
        let weights = try MappedFile(path: path + "/" + Checkpoint.singleFile)
        let hash = weights.withBytes { ContentHash(of: $0) }
        let card = try provenance.card(
            .merged, base: base, baseName: name, adapter: configuration, layout: layout, labels: labels, weights: hash,
            relativeError: relativeError)
        try AtomicFile.write(Array(card.markdown().utf8), to: path + "/" + ModelCard.file)
    }

    /// Writes a PEFT directory with its model card in one step.
    ///
    /// - Parameters:
    ///   - name: What the card and `base_model_name_or_path` call the base model.
    func write(to path: String, card provenance: RunProvenance, named name: String) throws {
        var configuration = configuration
        configuration.baseModel = name
        let weights = AdapterObject.encode(layout: layout, values: values)
        let card = try provenance.card(
            .adapter, baseName: name, adapter: configuration, layout: layout, labels: labels,
            weights: ContentHash(of: weights), relativeError: relativeError)
        try AdapterDirectory.write(
            configuration: configuration, weights: weights, labels: labels,
            others: [(ModelCard.file, Array(card.markdown().utf8))], to: path)
    }

    /// - Parameter model: The base model's folder.
    func writeGGUF(to path: String, model: String, named name: String, _ provenance: RunProvenance) throws {
        var notes: [(key: String, value: GGUFFile.Value)] = [
            ("general.name", .string("\(name), Shoal run \(provenance.run.id)")),
            ("general.base_model.count", .uint32(1)), ("general.base_model.0.name", .string(name)),
            ("shoal.version", .string(shoalVersion)), ("shoal.run", .string(provenance.run.id.text)),
            ("shoal.round", .uint32(UInt32(clamping: provenance.round))),
            ("shoal.base_model.identity", .string(provenance.run.baseModel.description)),
            ("shoal.privacy", .string(try provenance.privacy().joined(separator: " "))),
        ]
        if let given = try provenance.participation() {
            notes += [
                ("shoal.workers", .uint32(UInt32(clamping: given.workers))),
                ("shoal.updates", .uint32(UInt32(clamping: given.updates))),
            ]
            if let tokens = given.tokens { notes.append(("shoal.tokens_trained", .uint64(tokens))) }
        } else {
            notes.append(("shoal.participation", .string(RunProvenance.secret)))
        }
        if let proof = try RecordProof(ledger: provenance.ledger, round: provenance.round) {
            notes.append(("shoal.record.hash", .string(proof.head.description)))
        }
        let adapter = try GGUFAdapter(
            values, layout: layout, configuration: configuration,
            names: LlamaCppNames(configuration: model + "/config.json"), notes: notes)
        try AtomicFile.write(adapter.file.encoded(), to: path)
    }
}

extension RunProvenance {
    /// Where each worker keeps a factor of its own, the shared one alone is no model.
    func refusePersonalModels() throws {
        guard let configuration, configuration.federation.aggregation.ownFactor != nil else { return }
        throw CommandFailure.badInput(
            "with 'federation.aggregation: \(configuration.federation.aggregation.rawValue)' every worker keeps a factor "
                + "of its own, so there is no global model; a worker's own model is the folder 'adapter' in its --state"
        )
    }
}
