public import ArgumentParser
public import FineTuning
import Foundation
import LanguageModel
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
            let base = try PretrainedModel(
                path: BuiltInModel.resolve(model), options: ModelOptions(precision: precision))
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
        } else {
            Console.output(
                "loss \(Quantity.loss(result.loss)) ± \(Quantity.loss(result.standardError))   "
                    + "perplexity \(Quantity.fixed(result.perplexity, digits: 2))   "
                    + "\(Quantity.count(result.tokens)) tokens in \(Quantity.count(result.blocks)) blocks")
        }
    }

    private struct Result: Encodable {
        let loss: Double
        let standardError: Double
        let perplexity: Double
        let tokens: Int
        let blocks: Int

        init(losses: BlockLosses, length: Int) {
            loss = losses.mean
            standardError = losses.standardError
            perplexity = exp(losses.mean)
            blocks = losses.items
            tokens = losses.items * length
        }
    }
}

extension DataRow.Split: ExpressibleByArgument {}
extension ChatTemplateName: ExpressibleByArgument {}
extension TrainingOptions.Precision: ExpressibleByArgument {}
