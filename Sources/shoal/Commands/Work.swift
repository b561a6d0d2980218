import ArgumentParser
import Federation
import FineTuning
import Foundation
import Logging
import ModelFiles
import Tensor
import Transport
import Wire
import Worker

struct Work: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Run a worker: train on this machine's own text for a coordinator.")

    @Option(help: "The join file that the coordinator's operator made for this worker.")
    var join: String

    @Option(help: "This worker's private text: .jsonl, .csv or .txt.")
    var data: String

    @Option(help: "The base model's directory, or built-in (default: download it from the coordinator).")
    var model: String?

    @Option(help: "The worker's name, to make sure that the join file is the right one.")
    var name: String?

    @Option(help: "Folder of the worker's keys and state; made if missing (default: NAME.shoal-state).")
    var state: String?

    @Option(help: "Threads to train with (default: all cores).")
    var threads: Int?

    @Option(
        help: "Under masks: take part only in sums of at least so many workers' updates (default: the run's minimum).")
    var minimumCohort: Int?

    @Flag(help: "No encryption: only with a coordinator started with --insecure, on one machine.")
    var insecure = false

    @Flag(help: .hidden)
    var exitWithParent = false

    @Option(help: .hidden)
    var slowdown: Double?

    @OptionGroup var log: LogOptions

    func validate() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024") }
        if let minimumCohort, !(2...1_000_000).contains(minimumCohort) {
            throw ValidationError("--minimum-cohort must be from 2 to 1000000")
        }
        if let slowdown, !(1...10_000).contains(slowdown) {
            throw ValidationError("--slowdown must be from 1 to 10000")
        }
    }

    func run() throws {
        let logger = log.logger("shoal.worker")
        let (transport, service) = try usingInput {
            let join = try JoinFile(reading: join)
            if let name, name != join.worker.text {
                throw CommandFailure.badInput(
                    "the join file is for worker '\(join.worker)', not for '\(name)'; ask for an invitation of that name"
                )
            }
            let source = try DataSource.checkedFile(data)
            Threads.limit(to: threads ?? ProcessInfo.processInfo.activeProcessorCount)
            let training = LocalTraining(
                data: source, notice: { logger.info("text", metadata: ["notice": "\($0)"]) },
                cache: CacheFolder.weights { logger.warning("\($0)") },
                slowdown: slowdown.map {
                    Slowdown(factor: $0, now: { MonotonicClock.now() }, sleep: { Thread.sleep(forTimeInterval: $0) })
                }, compute: ComputeThread().post)
            return try WorkerAssembly(
                join: join, state: state ?? "\(join.worker).shoal-state", insecure: insecure,
                model: try model.map(WorkerAssembly.heldModel), runner: training, minimumCohort: minimumCohort
            ).service(logger: logger)
        }
        let stopping = Handover(service)
        let stop = { @Sendable in transport.post { stopping.value.requestStop() } }
        let signals = StopSignals(stop)
        let parent = exitWithParent ? ParentWatch(stop) : nil
        do { try transport.run(service: service) } catch { throw CommandFailure.failed("\(error)") }
        withExtendedLifetime((signals, parent)) {}
        switch service.outcome {
        case .finished: break
        case .stopped, nil: throw CommandFailure.interrupted()
        case .failed(let reason): throw CommandFailure.badInput(reason)
        }
    }
}
