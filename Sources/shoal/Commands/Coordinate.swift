import ArgumentParser
import Coordinator
import Federation
import FineTuning
import Logging
import Monitor
import Randomness
import RunFile
import Transport

struct Coordinate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator", abstract: "Run a coordinator: hold the global adapter and lead its workers.")

    @OptionGroup var runFile: RunFileOptions

    @Option(help: "Folder of the run's state; made if missing.")
    var state: String

    @Option(help: "Where workers connect.")
    var bind = "tcp://0.0.0.0:5670"

    @Flag(help: "Print one JSON object a line on standard output.")
    var json = false

    @Flag(help: "No encryption and no proof of identity: for experiments on one machine only.")
    var insecure = false

    @Flag(
        help: ArgumentHelp(
            "Once the run has ended, stay until told to stop: tell workers that come late, and go on serving the monitor.",
            discussion: """
                For services that are started again whenever they end, and for monitoring that would take a finished run for \
                a dead one. Told to stop (SIGTERM) after the end of its run, it ends with exit code 0.
                """))
    var stay = false

    @OptionGroup var monitoring: MonitorOptions
    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = log.logger("shoal.coordinator")
        let started = MonotonicClock.now()
        let monitor = try await monitoring.start(log)
        let (prepared, state) = try usingInput {
            (try PreparedRun(runFile.load(), split: .test), try CoordinatorState(path: self.state))
        }
        let view = RunView(rounds: prepared.configuration.federation.rounds, printsJSON: json) {
            MonotonicClock.now().seconds(since: started)
        }
        if !prepared.configuration.trainerCommand.isEmpty {
            Console.error(
                "warning: training.command is for simulations and starts nothing here: what runs on a worker's machine is "
                    + "its owner's decision (shoal worker --trainer)")
        }
        var closing = RunClosing(prepared, json: json, started: started, stays: stay)
        let (transport, service) = try usingInput {
            let security: CoordinatorSecurity =
                insecure ? .insecure : .curve(try CoordinatorKeys.readOrCreate(in: self.state))
            let compute = ComputeThread()
            var assembly = CoordinatorAssembly(
                prepared: prepared, state: state, heldOut: try heldOut(prepared), compute: compute.post,
                minimumConnected: nil)
            assembly.board = monitor?.board
            assembly.staysAfterEnd = stay
            let transport = try CoordinatorTransport(
                bindingTo: bind, security: security, admission: state.ledger, logger: logger)
            return (
                transport,
                try assembly.service(link: transport, loop: transport) { event in
                    view.show(event)
                    monitor?.notices.note(event)
                    closing.note(event, view)
                }
            )
        }
        closing.attach(service, state)
        try monitor?.attach(state: self.state)
        view.showHeader(
            RunHeader.lines(prepared) + (monitor.map { [$0.headerLine] } ?? [])
                + ["listening on \(transport.boundEndpoint)"])
        let stopping = Handover(service)
        let signals = StopSignals { transport.post { stopping.value.requestStop() } }
        await transport.runOnOwnThread(stopping)
        view.clearProgress()
        withExtendedLifetime(signals) {}
        await monitor?.stop(after: service.outcome, wasStopped: closing.wasStopped)
        try service.outcome.requireFinished()
        try closing.close()
    }

    /// The coordinator's own text, when the run is evaluated on it.
    private func heldOut(_ prepared: PreparedRun) throws -> TaskItems? {
        guard prepared.configuration.evaluation.source == .coordinator else { return nil }
        let (_, test, grouped) = try prepared.items(of: prepared.rows)
        for warning in grouped?.skipped ?? [] { Console.error("warning: held-out text: \(warning)") }
        guard test.count > 0 else {
            throw CommandFailure.badInput(
                "evaluation.source is coordinator, but the run file's data has no held-out text; name a file with "
                    + "\"split\": \"test\" rows in data.path or data.test-path, or set evaluation.source to workers or "
                    + "none")
        }
        return test
    }
}
