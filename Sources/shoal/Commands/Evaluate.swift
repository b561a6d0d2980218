public import ArgumentParser
public import FineTuning
import LanguageModel
import ModelFiles
public import Recipe
import Tensor

struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the loss of a model, with or without an adapter, on a file of text.",
        discussion: """
            Of a language model the mean loss over blocks; of an encoder the loss and the accuracy over labelled rows. \
            Several adapters share one base model in memory and give one line each, under their names:
              shoal evaluate --model DIR --data FILE --adapter one=run1/adapter --adapter two=run2/adapter
              … --use base --use two     the model without an adapter, and the adapter called two
            """)

    @Option(help: "The base model: a Hugging Face directory, or built-in.")
    var model: String

    @OptionGroup var adapters: AdapterChoice

    @Option(help: "Text: .jsonl, .csv or .txt.")
    var data: String

    @Option(help: "Use only rows of this split: train, test.")
    var split: DataRow.Split?

    @Option(help: "Tokens in a block.")
    var sequenceLength = 128

    @Option(help: "How chats become text: chatml, llama-3, gemma, zephyr, alpaca, plain (default: as the model does).")
    var chatTemplate: ChatTemplateName?

    @Option(help: "Precision of the computation: float32, bfloat16.")
    var precision: TrainingOptions.Precision = .float32

    @Option(help: "Threads to compute with (default: all cores).")
    var threads: Int?

    @Flag(help: "Print JSON instead of text: one object a line, with the key adapter where there are several.")
    var json = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        if sequenceLength < 2 { throw ValidationError("--sequence-length must be at least 2") }
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024") }
    }

    func run() throws {
        try usingInput {
            if let threads { Threads.limit(to: threads) }
            let path = try BuiltInModel.resolve(model)
            let configuration = try ModelDirectory(path).configuration
            if configuration.isEncoder {
                try classify(path, configuration)
            } else {
                try measureLanguage(path)
            }
        }
    }

    private var weightCache: WeightCache { CacheFolder.weights { Console.error("warning: \($0)") } }

    private func measureLanguage(_ path: String) throws {
        let base = try PretrainedModel(
            path: path, options: ModelOptions(precision: precision), cache: weightCache)
        // All are read before anything is printed, so that a mistake in the last one comes first.
        let chosen = try adapters.chosen.map { ($0.name, try $0.directory.map { try base.adapter(at: $0) }) }
        let grouped = try base.blocks(of: .file(data), split: split, length: sequenceLength, chatTemplate: chatTemplate)
        for notice in grouped.notices { Console.error(notice) }
        for warning in grouped.skipped { Console.error("warning: \(warning)") }
        let blocks = grouped.joined()
        guard blocks.count > 0 else {
            throw CommandFailure.badInput(
                "\(data): no block of \(sequenceLength) tokens\(split.map { " in split '\($0)'" } ?? ""); "
                    + "add text or lower --sequence-length")
        }
        for (name, adapter) in chosen {
            let losses = try LossEvaluation.losses(of: blocks, model: base.model, adapter: adapter)
            try show(EvaluationResult(losses: BlockLosses(losses), length: sequenceLength), of: name)
        }
    }

    private func classify(_ path: String, _ configuration: ModelConfiguration) throws {
        guard sequenceLength <= configuration.maximumLength else {
            throw TrainingError.blocksTooLong(length: sequenceLength, maximum: configuration.maximumLength)
        }
        var base: PretrainedClassifier?
        var bound: [(name: String, base: PretrainedClassifier, adapter: LowRankAdapter?)] = []
        for (name, directory) in adapters.chosen {
            let labels = try directory.flatMap { try AdapterDirectory.labels($0) } ?? configuration.labels
            guard labels.count > 1 else { throw try unnamedClasses(of: directory) }
            let known = base?.classNames == labels ? base : nil
            let classifier =
                try known
                ?? PretrainedClassifier(
                    path: path, classNames: labels, options: ModelOptions(precision: precision), cache: weightCache)
            base = classifier
            guard directory != nil || classifier.model.storedHead != nil else {
                throw CommandFailure.badInput(
                    "\(model) has no classification head for \(labels.count) classes; give --adapter")
            }
            bound.append((name, classifier, try directory.map { try classifier.adapter(at: $0) }))
        }
        for (name, base, adapter) in bound {
            let examples = try base.examples(of: .file(data), split: split, length: sequenceLength)
            let outcome = try ClassificationEvaluation.outcome(of: examples, model: base.model, adapter: adapter)
            let result = EvaluationResult(
                losses: BlockLosses(outcome.losses), tokens: TaskItems.examples(examples).tokenCount,
                accuracy: outcome.accuracy, examples: examples.count)
            try show(result, of: name)
        }
    }

    private func unnamedClasses(of adapter: String?) throws -> CommandFailure {
        guard let adapter else {
            return .badInput(
                "\(model) is an encoder: its classes are named by the adapter's labels.json or by id2label in "
                    + "config.json; give --adapter")
        }
        _ = try AdapterDirectory.read(adapter)  // One that is missing or damaged says so itself.
        return .badInput(
            "\(adapter): neither labels.json nor id2label in \(model)/config.json names the classes; write labels.json: "
                + "a JSON list of names, in the order of the head's outputs")
    }

    /// Where there are several results, each says whose it is.
    private func show(_ result: EvaluationResult, of adapter: String) throws {
        var result = result
        if adapters.chosen.count > 1 { result.adapter = adapter }
        if json { try JSONLine.print(result) } else { Console.output(result.text) }
    }
}

extension DataRow.Split: ExpressibleByArgument {}
extension ChatTemplateName: ExpressibleByArgument {}
extension TrainingOptions.Precision: ExpressibleByArgument {}
