public import ArgumentParser
public import FineTuning
import Foundation
import LanguageModel
import ModelFiles
public import Recipe
import Tensor

struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the loss of a model, with or without an adapter, on a file of text.")

    @Option(help: "The base model: a Hugging Face directory, or built-in.")
    var model: String

    @Option(help: "A PEFT adapter directory.")
    var adapter: String?

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

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        if sequenceLength < 2 { throw ValidationError("--sequence-length must be at least 2") }
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024") }
    }

    func run() throws {
        let result = try usingInput {
            if let threads { Threads.limit(to: threads) }
            if let result = try classification() { return result }
            let base = try PretrainedModel(
                path: BuiltInModel.resolve(model), options: ModelOptions(precision: precision), cache: weightCache)
            let bound = try adapter.map { try base.adapter(at: $0) }
            let grouped = try base.blocks(
                of: .file(data), split: split, length: sequenceLength, chatTemplate: chatTemplate)
            for notice in grouped.notices { Console.error(notice) }
            for warning in grouped.skipped { Console.error("warning: \(warning)") }
            let blocks = grouped.joined()
            guard blocks.count > 0 else {
                throw CommandFailure.badInput(
                    "\(data): no block of \(sequenceLength) tokens\(split.map { " in split '\($0)'" } ?? ""); "
                        + "add text or lower --sequence-length")
            }
            return Result(
                losses: BlockLosses(
                    try LossEvaluation.losses(of: blocks, model: base.model, adapter: bound)),
                length: sequenceLength)
        }
        if json {
            try JSONLine.print(result)
        } else if let accuracy = result.accuracy {
            Console.output(
                "accuracy \(Quantity.fixed(accuracy, digits: 4))   loss \(Quantity.loss(result.loss)) ± "
                    + "\(Quantity.loss(result.standardError))   \(Quantity.count(result.blocks)) examples")
        } else {
            Console.output(
                "loss \(Quantity.loss(result.loss)) ± \(Quantity.loss(result.standardError))   "
                    + "perplexity \(Quantity.fixed(result.perplexity, digits: 2))   "
                    + "\(Quantity.count(result.tokens)) tokens in \(Quantity.count(result.blocks)) blocks")
        }
    }

    private var weightCache: WeightCache { CacheFolder.weights { Console.error("warning: \($0)") } }

    /// Of an encoder; `nil` for a language model.
    private func classification() throws -> Result? {
        let path = try BuiltInModel.resolve(model)
        let configuration = try ModelDirectory(path).configuration
        guard configuration.isEncoder else { return nil }
        let names = try adapter.flatMap { try AdapterDirectory.labels($0) } ?? configuration.labels
        guard names.count > 1 else {
            throw CommandFailure.badInput(
                "\(model) is an encoder: its classes are named by the adapter's labels.json or by id2label in "
                    + "config.json; give --adapter")
        }
        let base = try PretrainedClassifier(
            path: path, classNames: names, options: ModelOptions(precision: precision), cache: weightCache)
        guard adapter != nil || base.model.storedHead != nil else {
            throw CommandFailure.badInput(
                "\(model) has no classification head for \(names.count) classes; give --adapter")
        }
        let bound = try adapter.map { try base.adapter(at: $0) }
        guard sequenceLength <= base.configuration.maximumLength else {
            throw TrainingError.blocksTooLong(length: sequenceLength, maximum: base.configuration.maximumLength)
        }
        let examples = try base.examples(of: .file(data), split: split, length: sequenceLength)
        let outcome = try ClassificationEvaluation.outcome(of: examples, model: base.model, adapter: bound)
        return Result(
            losses: BlockLosses(outcome.losses), tokens: TaskItems.examples(examples).tokenCount,
            accuracy: outcome.accuracy, examples: examples.count)
    }

    private struct Result: Encodable {
        let loss: Double
        let standardError: Double
        let perplexity: Double
        let tokens: Int
        let blocks: Int
        /// Of classification only, as `examples`.
        let accuracy: Double?
        let examples: Int?

        init(losses: BlockLosses, length: Int) {
            self.init(losses: losses, tokens: losses.items * length, accuracy: nil, examples: nil)
        }

        init(losses: BlockLosses, tokens: Int, accuracy: Double?, examples: Int?) {
            loss = losses.mean
            standardError = losses.standardError
            perplexity = exp(losses.mean)
            blocks = losses.items
            self.tokens = tokens
            self.accuracy = accuracy
            self.examples = examples
        }
    }
}

extension DataRow.Split: ExpressibleByArgument {}
extension ChatTemplateName: ExpressibleByArgument {}
extension TrainingOptions.Precision: ExpressibleByArgument {}
