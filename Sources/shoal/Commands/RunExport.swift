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
        abstract: "Write a run's global model as a plain PEFT adapter, a GGUF adapter, or a model's merged weights.",
        discussion: """
            Whatever the run's aggregation, base model and exported adapter together are the global model: what fedex-lora \
            and flora added to the base is part of the adapter, which has a higher rank for it.
              shoal run export STATE --out DIR               the current adapter, with a model card
              shoal run export STATE --out DIR --rank 16     its best approximation of rank 16, with its error
              shoal run export STATE --out FILE --format gguf    for llama.cpp: llama-cli -m BASE.gguf --lora FILE
              shoal run export STATE --out DIR --merge MODEL a copy of the base model with the adapter in its weights, with a card
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case peft, gguf
    }

    @Argument(help: "Folder of the run's state; a coordinator may be running on it.")
    var state: String

    @Option(help: "Folder to write, or with --format gguf the file.")
    var out: String

    @Option(help: "The adapter after this round; 0 is the one that the run began with (default: the current one).")
    var round: Int?

    @Option(help: "Cut the adapter to this rank by its singular values.")
    var rank: Int?

    @Option(help: "How to write the adapter: \(Format.allCases.map(\.rawValue).joined(separator: " or ")).")
    var format = Format.peft

    @Option(help: "With --format gguf: folder of the base model, for its config.json (default: the run file's).")
    var model: String?

    @Option(
        help: ArgumentHelp(
            "The base model's name for others, such as owner/name on the Hugging Face Hub (default: the one that the Hub's "
                + "cache or its config.json names, else its folder's; never a path)."))
    var baseName: String?

    @Option(
        help: "Write merged weights of this base model (a Hugging Face directory, or built-in) instead of an adapter.")
    var merge: String?

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func validate() throws {
        if let round, round < 0 { throw ValidationError("--round must be at least 0") }
        if let rank, rank < 1 { throw ValidationError("--rank must be at least 1") }
        guard format != .gguf || merge == nil else {
            throw ValidationError(
                "--merge writes a Hugging Face model, and llama.cpp's convert_hf_to_gguf.py makes a GGUF model of that; leave "
                    + "out --format gguf")
        }
        guard model == nil || format == .gguf else { throw ValidationError("--model belongs to --format gguf") }
    }

    func run() throws {
        let result = try usingInput {
            guard FileManager.default.fileExists(atPath: StateDirectory.ledger(in: state)) else {
                throw CommandFailure.badInput("\(state) holds no run; give the folder of a run's --state")
            }
            let provenance = try RunProvenance(
                ledger: Ledger.existing(in: state, wallClock: WallClock.unixSeconds), round: round)
            try provenance.refusePersonalModels()
            let adapter = try ExportedAdapter(state: state, round: round, rank: rank)
            let base = merge ?? model ?? provenance.basePath ?? adapter.configuration.baseModel
            let name = baseName ?? Self.name(of: base)
            try write(adapter, provenance, base: base, named: name)
            return Result(
                path: AbsolutePath.of(out), kind: kind.name, rank: adapter.configuration.rank,
                parameters: adapter.layout.parameterCount, relativeError: adapter.relativeError, baseModel: name,
                round: provenance.round)
        }
        if result.round == 0 {
            Console.error("warning: no round of it is published: this is the untrained adapter that the run began with")
        }
        if json { return try JSONLine.print(result) }
        var line =
            "\(result.path): \(kind.text) of rank \(result.rank), \(Quantity.count(result.parameters)) parameters"
        if let error = result.relativeError {
            line += "; relative error of the cut \(Quantity.fixed(100 * error, digits: 3)) %"
        }
        Console.output(line)
        if baseName == nil {
            Console.output("its base model is called '\(result.baseModel)' there; --base-name gives it another name")
        }
    }

    /// What others call a base model: a path of the machine that the run was on is nobody else's business.
    private static func name(of base: String?) -> String {
        guard let base else { return "unknown" }
        guard base != BuiltInModel.name else { return base }
        let folder = AbsolutePath.of(base)
        var configured: String?
        // It may be gone by now.
        if let file = try? MappedFile(path: folder + "/config.json"),
            case .object(let members)? = try? JSONValue(parsing: file.copy()),
            case .string(let name)? = members["_name_or_path"]
        {
            configured = name
        }
        return BaseModelName.forOthers(folder: folder, configured: configured)
    }

    private func write(
        _ adapter: ExportedAdapter, _ provenance: RunProvenance, base: String?, named name: String
    ) throws {
        if let merge {
            let base = try MergeBase(merge, of: provenance)
            return try adapter.merge(into: base, at: out, card: provenance, named: name)
        }
        switch format {
        case .peft: try adapter.write(to: out, card: provenance, named: name)
        case .gguf:
            guard let base else { throw CommandFailure.badInput("name the base model's folder with --model") }
            try adapter.writeGGUF(to: out, model: BuiltInModel.resolve(base), named: name, provenance)
        }
    }

    private var kind: (name: String, text: String) {
        if merge != nil {
            return ("merged", "the base model with the adapter merged, a Hugging Face model with its card,")
        }
        return format == .gguf
            ? ("gguf", "a GGUF adapter for llama.cpp") : ("adapter", "a PEFT adapter with its model card")
    }

    private struct Result: Encodable {
        let path: String
        /// `adapter`, `gguf` or `merged`.
        let kind: String
        /// The largest of its layers.
        let rank: Int
        let parameters: Int
        let relativeError: Double?
        /// What the base model is called there.
        let baseModel: String
        /// Whose adapter it is; 0: the one that the run began with.
        let round: Int
    }
}
