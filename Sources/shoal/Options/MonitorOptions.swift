import ArgumentParser
import Coordinator
import Logging
import Monitor
import WebServing

/// `--http` and what belongs to it, taken by the commands that hold a run.
struct MonitorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Serve the dashboard, /metrics and a JSON API here, such as 127.0.0.1:8670; anything but a loopback address "
                + "needs a token and a certificate.", valueName: "HOST:PORT"))
    var http: String?

    @Option(help: "File with the bearer token that clients must carry, readable by its owner alone.")
    var httpTokenFile: String?

    @Option(help: "File with a PEM certificate chain, for TLS.")
    var httpCertificate: String?

    @Option(help: "File with the certificate's PEM key.")
    var httpKey: String?

    /// Starts the monitor before anything else starts.
    ///
    /// - Returns: `nil` where none was asked for.
    func start(_ log: LogOptions) async throws -> Monitor? {
        guard let http else {
            guard httpTokenFile == nil, httpCertificate == nil, httpKey == nil else {
                throw CommandFailure.badInput(
                    "--http-token-file, --http-certificate and --http-key belong to --http HOST:PORT, which is missing")
            }
            return nil
        }
        do throws(WebServingError) {
            var settings = WebServerSettings(address: try ListenAddress(http))
            if let httpTokenFile { settings.token = try BearerToken(file: httpTokenFile) }
            switch (httpCertificate, httpKey) {
            case (let chain?, let key?): settings.certificate = (chain, key)
            case (nil, nil): break
            default: throw WebServingError.certificateWithoutKey
            }
            return try await Monitor.start(
                settings, version: shoalVersion, wallClock: WallClock.unixSeconds, logger: log.logger("shoal.http"))
        } catch {
            throw CommandFailure.badInput("--http: \(error)")
        }
    }
}

extension Monitor {
    /// The header's line.
    var headerLine: String { "monitor       \(url)" }

    /// Begins to show the run of a state directory, over connections to its ledger of its own: however long a monitor
    /// reads, the service's reads do not wait.
    func attach(state: String) throws {
        let ledger = try usingInput { try Ledger.existing(in: state, wallClock: WallClock.unixSeconds) }
        attach(ledger, state: state)
    }

    /// Tells open pages how the run ended, and ends.
    ///
    /// - Parameter wasStopped: Whether the run's owner ended it before its last round.
    func stop(after outcome: RunService.Outcome, wasStopped: Bool) async {
        let ending =
            switch outcome {
            case .finished where wasStopped: EndOfStream(outcome: "stopped")
            case .finished: EndOfStream(outcome: "finished")
            case .running, .stopped:
                EndOfStream(
                    outcome: "interrupted",
                    cause: "the coordinator was stopped; the state is kept, the same command goes on with the run")
            case .failed(let error as CommandFailure): EndOfStream(outcome: "failed", cause: error.message)
            case .failed(let error):
                EndOfStream(
                    outcome: "failed", cause: "\(error); the state is kept, the same command goes on with the run")
            }
        await stop(ending)
    }
}
