import ArgumentParser
import Federation
import FineTuning
import LanguageModel
import Recipe
import RunFile

struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a run file or an owner's policy, or print their schemas.",
        subcommands: [Check.self, Schema.self, ConfigPolicy.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check a run file with its model and text, and preview each worker's data.")

        @OptionGroup var runFile: RunFileOptions

        @Flag(help: "Print one JSON object a worker instead of a table.")
        var json = false

        @OptionGroup var log: LogOptions

        func run() throws {
            try usingInput {
                let prepared = try PreparedRun(runFile.load())
                for line in RunHeader.lines(prepared) { Console.error(line) }
                guard !prepared.rows.isEmpty else {
                    Console.error("the run file names no text: workers bring their own")
                    return warn(prepared, testBlocks: 0)
                }
                let workers = try SimulatedWorkers(prepared)
                let previews = try workers.workers.map { try WorkerPreview($0, prepared) }
                try show(previews)
                warn(prepared, testBlocks: previews.reduce(0) { $0 + $1.testBlocks })
            }
        }

        /// What the file alone cannot be blamed for: a data set may come later.
        private func warn(_ prepared: PreparedRun, testBlocks: Int) {
            guard testBlocks == 0, prepared.configuration.evaluation.source == .coordinator else { return }
            Console.error(
                "warning: there is no held-out text, and evaluation.source is coordinator: neither a coordinator nor a "
                    + "simulation would start; add rows with \"split\": \"test\" or a data.test-path, or set "
                    + "evaluation.source to workers or none")
        }

        private func show(_ previews: [WorkerPreview]) throws {
            if json {
                for preview in previews { try JSONLine.print(preview) }
                return
            }
            var table = TextTable()
            table.add("worker", "rows", "tokens", "train blocks", "test blocks")
            for preview in previews {
                table.add(
                    preview.worker, Quantity.count(preview.rows), Quantity.count(preview.tokens),
                    Quantity.count(preview.trainBlocks), Quantity.count(preview.testBlocks))
            }
            for line in table.lines { Console.output(line) }
        }
    }

    struct Schema: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the JSON Schema of run files: every key, its default and its range.")

        func run() {
            Console.output(RunConfiguration.jsonSchema())
        }
    }
}

/// One worker's share of the text.
private struct WorkerPreview: Encodable {
    let worker: String
    let rows: Int
    /// Both splits, with the tokens that mark each text's beginning and end.
    let tokens: Int
    /// Blocks, or examples for classification.
    let trainBlocks: Int
    let testBlocks: Int

    init(_ worker: SimulatedWorkers.Worker, _ prepared: PreparedRun) throws {
        let (train, test, _) = try prepared.items(of: worker.rows)
        self.worker = worker.name.text
        rows = worker.rows.count
        switch prepared.model {
        case .language(let base):
            let encoder = base.rowEncoder(chatTemplate: prepared.configuration.training.chatTemplate)
            tokens = try worker.rows.reduce(0) { $0 + (try encoder.tokenCount($1)) }
        case .classification: tokens = train.tokenCount + test.tokenCount
        }
        trainBlocks = train.count
        testBlocks = test.count
    }
}
