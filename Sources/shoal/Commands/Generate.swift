import ArgumentParser
import FineTuning
import LanguageModel
import Randomness

struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Continue a prompt with a model, with or without an adapter.")

    @Option(help: "The base model: a Hugging Face directory, or built-in.")
    var model: String

    @Option(help: "A PEFT adapter directory.")
    var adapter: String?

    @Option(help: "The text to continue.")
    var prompt: String

    @Option(help: "The most tokens to add.")
    var maxTokens = 100

    @Option(help: "0 takes the likeliest token; higher values vary more.")
    var temperature: Float = 0

    @Option(help: "Draws only among the likeliest tokens that hold this share of the probability.")
    var topP: Float = 1

    @Option(help: "Seed of the draws.")
    var seed: UInt64 = 0

    @OptionGroup var log: LogOptions

    func validate() throws {
        if maxTokens < 1 { throw ValidationError("--max-tokens must be at least 1") }
        if temperature < 0 { throw ValidationError("--temperature must not be negative") }
        if !(topP > 0 && topP <= 1) { throw ValidationError("--top-p must be above 0 and at most 1") }
    }

    func run() throws {
        let text = try usingInput {
            let base = try PretrainedModel(path: BuiltInModel.resolve(model))
            return try base.continuation(
                of: prompt, adapter: adapter.map { try base.adapter(at: $0) }, maxTokens: maxTokens,
                sampling: Sampling(temperature: temperature, topP: topP), seed: seed)
        }
        Console.output(text)
    }
}
