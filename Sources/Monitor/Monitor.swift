package import Coordinator
import Federation
import HTTPTypes
import Hummingbird
package import Logging
import Synchronization
package import WebServing

/// A coordinator's HTTP service: dashboard, metrics, health, a JSON API, and the owner's requests.
///
/// It starts before anything else, so that a taken port is found out at once and probes are answered while models load;
/// the run is attached once there is one. Whatever fails in it stays in it.
package final class Monitor: Sendable {
    /// For the service's loop.
    package let board = FleetBoard()
    package let notices: RunNotices
    private let server: WebServer
    private let desk: Desk
    private let logger: Logger
    /// How long clients have to read how the run ended. Unit: seconds.
    private let farewellSeconds: Double

    /// Starts to serve.
    ///
    /// - Parameters:
    ///   - version: The program's release.
    ///   - wallClock: Unit: seconds since 1970.
    /// - Throws: ``WebServingError``
    package static func start(
        _ settings: WebServerSettings, version: String, wallClock: @escaping @Sendable () -> Int64, logger: Logger
    ) async throws(WebServingError) -> Monitor {
        var settings = settings
        // What is there is no secret: the page holds no data, and probes carry no token.
        settings.openPaths = ["/", "/healthz", "/readyz"]
        settings.refusal = { status, reason in
            (try? JSONAnswer.failure(reason, status: status)) ?? Response(text: reason + "\n", status: status)
        }
        let desk = Desk(version: version)
        let server = try await WebServer.start(settings, logger: logger) { router in
            MonitorRoutes(desk: desk, needsToken: settings.token != nil).add(to: router)
        }
        return Monitor(
            server: server, desk: desk, notices: RunNotices(wallClock: wallClock), logger: logger,
            farewellSeconds: settings.farewellSeconds / 2)
    }

    private init(server: WebServer, desk: Desk, notices: RunNotices, logger: Logger, farewellSeconds: Double) {
        self.server = server
        self.desk = desk
        self.notices = notices
        self.logger = logger
        self.farewellSeconds = farewellSeconds
    }

    /// Where a browser finds it.
    package var url: String { server.url }

    /// Begins to show a run.
    ///
    /// - Parameter state: Folder of the run's state.
    package func attach(_ ledger: Ledger, state: String) {
        let source = RunSource(ledger: ledger, state: state, board: board, notices: notices)
        let reader = RunReader(source, version: desk.version)
        desk.attach(reader, LiveStream(reader, logger: logger))
    }

    /// Tells open pages how the run ended, and returns once the port is free.
    package func stop(_ ending: EndOfStream) async {
        await desk.run?.stream.end(ending, farewellSeconds: farewellSeconds)
        await server.stop()
    }

    /// Clients of the stream.
    package var listeners: Int { get async { await desk.run?.stream.listeners ?? 0 } }

    /// How often the ledger was read.
    package var ledgerReads: Int { get async { await desk.run?.reader.readCount ?? 0 } }

    /// How often the state directory's disk was looked at.
    package var diskLooks: Int { get async { await desk.run?.reader.diskLooks ?? 0 } }

    /// What requests are answered from.
    final class Desk: Sendable {
        let version: String
        private let attached = Mutex<(reader: RunReader, stream: LiveStream)?>(nil)

        init(version: String) {
            self.version = version
        }

        /// `nil` while the coordinator starts.
        var run: (reader: RunReader, stream: LiveStream)? { attached.withLock { $0 } }

        func attach(_ reader: RunReader, _ stream: LiveStream) { attached.withLock { $0 = (reader, stream) } }
    }
}
