import ArgumentParser
import Coordinator
import Federation
import FoundationEssentials
import LanguageModel
import ModelFiles
import RunFile

struct RunExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a run's global model as a plain PEFT adapter, or as a model's merged weights.",
        discussion: """
            Whatever the run's aggregation, base model and exported adapter together are the global model: what fedex-lora \
            and flora added to the base is part of the adapter, which has a higher rank for it.
              shoal run export STATE --out DIR               the current adapter
              shoal run export STATE --out DIR --rank 16     its best approximation of rank 16, with its error
              shoal run export STATE --out DIR --merge MODEL a copy of the base model with the adapter in its weights
            """)

    @Argument(help: "Folder of the run's state; a coordinator may be running on it.")
    var state: String

    @Option(help: "Folder to write.")
    var out: String

    @Option(help: "The adapter after this round; 0 is the one that the run began with (default: the current one).")
    var round: Int?

    @Option(help: "Cut the adapter to this rank by its singular values.")
    var rank: Int?

    @Option(
        help: "Write merged weights of this base model (a Hugging Face directory, or built-in) instead of an adapter.")
    var merge: String?

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func validate() throws {
        if let round, round < 0 { throw ValidationError("--round must be at least 0") }
        if let rank, rank < 1 { throw ValidationError("--rank must be at least 1") }
    }

    func run() throws {
        let result = try usingInput {
            let source = StateDirectory.adapter(in: state, round: round)
            guard FileManager.default.fileExists(atPath: StateDirectory.ledger(in: state)) else {
                throw CommandFailure.badInput("\(state) holds no run; give the folder of a run's --state")
            }
            try refusePersonalModels()
            guard FileManager.default.fileExists(atPath: source) else {
                throw CommandFailure.badInput(
                    "\(state) holds no adapter of round \(round ?? 0); leave --round out for the current one")
            }
            var (configuration, layout, values) = try AdapterDirectory.read(source)
            var error: Double?
            if let rank {
                guard !configuration.isWeightDecomposed else {
                    throw CommandFailure.badInput(
                        "--rank: an adapter with magnitudes (DoRA) cannot be cut, they belong to the whole product; leave "
                            + "it out")
                }
                let cut = try AdapterCut(values, layout: layout, configuration: configuration, rank: rank)
                (configuration, layout, values) = (cut.configuration, cut.layout, cut.values)
                error = cut.relativeError
            }
            if let merge {
                try ModelDirectory(BuiltInModel.resolve(merge)).merge(
                    values, layout: layout, configuration: configuration, at: out)
            } else {
                try AdapterDirectory.write(
                    configuration: configuration, layout: layout, values: values,
                    labels: try AdapterDirectory.labels(source) ?? [], to: out)
            }
            return Result(
                path: AbsolutePath.of(out), kind: merge == nil ? "adapter" : "merged", rank: configuration.rank,
                parameters: layout.parameterCount, relativeError: error)
        }
        if json { return try JSONLine.print(result) }
        var line = "\(result.path): "
        line += merge == nil ? "a PEFT adapter" : "the base model with the adapter merged, a Hugging Face model,"
        line += " of rank \(result.rank), \(Quantity.count(result.parameters)) parameters"
        if let error = result.relativeError {
            line += "; relative error of the cut \(Quantity.fixed(100 * error, digits: 3)) %"
        }
        Console.output(line)
    }

    /// Where each worker keeps a factor of its own, the shared one alone is no model.
    private func refusePersonalModels() throws {
        let ledger = try Ledger.existing(in: state, wallClock: WallClock.unixSeconds)
        guard let record = try ledger.run(),
            let configuration = try? RunConfiguration(canonicalJSON: record.configuration),
            configuration.federation.aggregation.ownFactor != nil
        else { return }
        throw CommandFailure.badInput(
            "with 'federation.aggregation: \(configuration.federation.aggregation.rawValue)' every worker keeps a factor "
                + "of its own, so there is no global model; a worker's own model is the folder 'adapter' in its --state"
        )
    }

    private struct Result: Encodable {
        let path: String
        /// `adapter` or `merged`.
        let kind: String
        /// The largest of its layers.
        let rank: Int
        let parameters: Int
        let relativeError: Double?
    }
}
