import ArgumentParser
import Coordinator
import Federation
import Foundation
import Interchange

struct RunTrack: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "track",
        abstract: "Write a run's settings and metrics for TensorBoard, MLflow or as JSON Lines.",
        discussion: """
            Given again, it brings what it wrote up to date; with --follow it does so until the run is over.
              shoal run track STATE --tensorboard logs      tensorboard --logdir logs
              shoal run track STATE --mlflow mlruns         MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri mlruns
              shoal run track STATE --jsonl metrics.jsonl
            No worker is named. Where participation is secret (central privacy), nothing is told that depends on it.
            """)

    @OptionGroup var place: Run.Place

    @Option(help: "Folder for TensorBoard's event files; each run has a folder of its own in it.")
    var tensorboard: String?

    @Option(help: "Folder of an MLflow file store.")
    var mlflow: String?

    @Option(help: "MLflow's experiment.")
    var experiment = "shoal"

    @Option(help: "File for JSON Lines.")
    var jsonl: String?

    @Flag(help: "Go on until the run is finished or stopped.")
    var follow = false

    func validate() throws {
        guard tensorboard != nil || mlflow != nil || jsonl != nil else {
            throw ValidationError("name at least one of --tensorboard, --mlflow and --jsonl")
        }
    }

    func run() throws {
        let (ledger, _) = try usingInput { try place.open() }
        var written = 0
        while true {
            let run = try usingInput { try TrackedRun(ledger: ledger, state: place.folder) }
            guard run.newestAt != nil || follow else {
                throw CommandFailure.badInput("no round is published yet; --follow waits for them")
            }
            // The first round says when the run began, which names its files.
            if run.newestAt != nil, run.metrics.count != written || run.status != .running {
                try usingInput { try write(run) }
                written = run.metrics.count
            }
            guard follow, run.status == .running else { break }
            Thread.sleep(forTimeInterval: 2)
        }
        Console.output("\(Quantity.count(written)) values of run \(try ledger.run()?.id.text ?? "")")
    }

    private func write(_ run: TrackedRun) throws {
        if let tensorboard { try TensorBoardEvents.update(run, in: tensorboard) }
        if let mlflow { try MLflowStore.update(run, in: AbsolutePath.of(mlflow), experiment: experiment) }
        if let jsonl { try MetricLines.write(run, to: jsonl) }
    }
}
