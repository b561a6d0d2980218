import ArgumentParser
import Coordinator
import Federation
import FineTuning
import Foundation
import LanguageModel
import Monitor
import RunFile
import Simulation
import Tensor
import Transport
import Worker

struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a coordinator and a whole fleet of workers on this machine.",
        discussion: "Workers are real processes on encrypted loopback connections, each with its own part of the text.")

    @OptionGroup var runFile: RunFileOptions

    @Option(help: "How many workers; the first ones in file order. Overrides federation.workers.")
    var workers: Int?

    @Option(help: "Folder of the run's state; the same folder later goes on with the run (default: a new folder).")
    var state: String?

    @Flag(help: "Coordinator and workers inside this one process, without sockets.")
    var inProcess = false

    @Flag(help: "Also train each worker's own adapter alone, for comparison.")
    var compareLocal = false

    @Option(
        help: ArgumentHelp(
            "Make some workers bad: sign-flip, ipm, alie, label-flip, backdoor, free-rider or sybil, with options such as "
                + "share=0.2. Needs --in-process.", valueName: "NAME[:key=value,…]"))
    var attack: String?

    @Flag(help: "Print one JSON object a line on standard output.")
    var json = false

    @OptionGroup var monitoring: MonitorOptions
    @OptionGroup var log: LogOptions

    func run() async throws {
        let started = MonotonicClock.now()
        let monitor = try await monitoring.start(log)
        let (simulation, view, folder) = try usingInput {
            if attack != nil, !inProcess {
                throw CommandFailure.badInput(
                    "--attack is simulated inside one process, where bad workers can see what the papers let them see; add "
                        + "--in-process")
            }
            let prepared = try PreparedRun(runFile.load(workers.map { ["federation.workers=\($0)"] } ?? []))
            if inProcess, !prepared.configuration.trainerCommand.isEmpty {
                throw CommandFailure.badInput(
                    "training.command needs workers that are processes of their own; leave out --in-process")
            }
            try prepared.refuseQuantisedBaseWithCommand()
            if compareLocal, prepared.configuration.task == .classification {
                throw CommandFailure.badInput("--compare-local compares losses of language models; leave it out")
            }
            if compareLocal, prepared.configuration.federation.aggregation.ownFactor != nil {
                throw CommandFailure.badInput(
                    "--compare-local needs an adapter that is whole without a worker's own factor, which "
                        + "'federation.aggregation: fedsa' does not make; leave it out")
            }
            if compareLocal, prepared.core != nil {
                throw CommandFailure.badInput(
                    "--compare-local trains ordinary adapters from the run's start, which 'federation.aggregation: fed-sb' "
                        + "does not have; leave it out")
            }
            // In one process one task runs at a time; worker processes need the other cores.
            let auto = inProcess ? ProcessInfo.processInfo.activeProcessorCount : 1
            Threads.limit(to: prepared.configuration.trainingThreads ?? auto)
            let folder = try state ?? TemporaryFolder.create(prefix: "shoal-simulation-")
            var simulation = try SimulatedRun(prepared, state: folder, attack: attack)
            if compareLocal, !simulation.hasHeldOutText {
                throw CommandFailure.badInput(
                    "--compare-local compares losses of held-out text, and the data has none; add rows with "
                        + "\"split\": \"test\" or a data.test-path, or leave it out")
            }
            simulation.board = monitor?.board
            let view = RunView(rounds: prepared.configuration.federation.rounds, printsJSON: json) {
                MonotonicClock.now().seconds(since: started)
            }
            return (simulation, view, folder)
        }
        let seeded =
            simulation.prepared.configuration.privacyOptions == nil
            ? [] : ["              SIMULATION: coins and noise come from the run's seed and protect nobody"]
        view.showHeader(
            RunHeader.lines(simulation.prepared) + seeded + ["state         \(AbsolutePath.of(folder))"]
                + (monitor.map { [$0.headerLine] } ?? []) + (simulation.attack?.header ?? []) + [""])
        if json, let attack = simulation.attack { try JSONLine.print(AttackLine(attack: try attack.report(nil))) }
        var record = RunOutcome()
        let observe = { (event: RunEvent) in
            record.note(event)
            view.show(event)
            monitor?.notices.note(event)
        }
        try monitor?.attach(state: folder)
        let service =
            inProcess
            ? try simulation.runInProcess(observe: observe)
            : try await simulation.runProcesses(logger: log.logger("shoal.simulate"), log: log, observe: observe)
        view.clearProgress()
        await monitor?.stop(after: service.outcome, wasStopped: record.wasStopped)
        try service.outcome.requireFinished()
        let seconds = MonotonicClock.now().seconds(since: started)
        try record.recall(service, simulation.state.ledger)
        if !json || compareLocal,
            let comparison = try simulation.compare(
                federated: simulation.prepared.adapter(
                    values: service.currentAdapter.values, residual: service.currentResidual),
                trainsLocal: compareLocal, view: view)
        {
            for line in comparison.lines() { json ? Console.error(line) : Console.output(line) }
            if let local = comparison.localOnAll, let steps = comparison.localStepsText, let base = record.base,
                let final = record.final
            {
                let line =
                    "  everybody's held-out text: base \(Quantity.loss(base.loss)), federated "
                    + "\(Quantity.loss(final.loss)), the workers' own adapters \(Quantity.loss(local)) on average "
                    + "(\(steps) steps each)"
                json ? Console.error(line) : Console.output(line)
            }
        }
        let isWhole = simulation.prepared.configuration.federation.aggregation.ownFactor == nil
        let final =
            try isWhole
            ? simulation.prepared.adapter(values: service.currentAdapter.values, residual: service.currentResidual)
            : nil
        try record.close(
            simulation.prepared, adapter: simulation.state.directory.adapter, seconds: seconds, json: json,
            attack: try simulation.attack?.report(final))
    }
}

/// `{"event":"attack",…}`
private struct AttackLine: Encodable {
    let event = "attack"
    let attack: AttackReport
}
