import ArgumentParser
import FineTuning
import LanguageModel
import Randomness

struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Continue a prompt with a model, with or without an adapter.",
        discussion: """
            Prints the prompt and its continuation as it is made. Several adapters share one base model in memory: each \
            one's continuation, from the same seed, stands under its name.
              shoal generate --model DIR --prompt "Once" --adapter run1/adapter
              shoal generate --model DIR --prompt "Once" --adapter one=run1/adapter --adapter two=run2/adapter
              … --use base --use two     the model without an adapter, then the adapter called two
            """)

    @Option(help: "The base model: a Hugging Face directory, or built-in.")
    var model: String

    @OptionGroup var adapters: AdapterChoice

    @Option(help: "The text to continue.")
    var prompt: String

    @Option(help: "The most tokens to add.")
    var maxTokens = 100

    @Option(
        help: ArgumentHelp(
            "End before this text, wherever it begins in the continuation; repeatable.", valueName: "text"))
    var stop: [String] = []

    @Option(help: "0 takes the likeliest token; higher values vary more.")
    var temperature: Float = 0

    @Option(help: "Draws only among the likeliest tokens that hold this share of the probability.")
    var topP: Float = 1

    @Option(help: "Seed of the draws: the same seed, the same text.")
    var seed: UInt64 = 0

    @OptionGroup var log: LogOptions

    func validate() throws {
        if maxTokens < 1 { throw ValidationError("--max-tokens must be at least 1") }
        if stop.contains("") { throw ValidationError("--stop must not be empty") }
        if !(temperature >= 0 && temperature.isFinite) { throw ValidationError("--temperature must be 0 or more") }
        if !(topP > 0 && topP <= 1) { throw ValidationError("--top-p must be above 0 and at most 1") }
    }

    func run() throws {
        try usingInput {
            let base = try PretrainedModel(path: BuiltInModel.resolve(model))
            // All are read before anything is printed, so that a mistake in the last one comes first.
            let chosen = try adapters.chosen.map { ($0.name, try $0.directory.map { try base.adapter(at: $0) }) }
            for (index, (name, adapter)) in chosen.enumerated() {
                if chosen.count > 1 { Console.output("\(index > 0 ? "\n" : "")=== \(name) ===") }
                try base.continuation(
                    of: prompt, adapter: adapter, maxTokens: maxTokens, stops: stop,
                    sampling: Sampling(temperature: temperature, topP: topP), seed: seed
                ) { Console.outputText($0) }
                Console.output("")
            }
        }
    }
}
