import Coordinator
import HTTPTypes
import Hummingbird
import WebServing

/// The paths of a ``Monitor``.
struct MonitorRoutes: Sendable {
    let desk: Monitor.Desk
    private let page: DashboardPage

    /// - Parameter needsToken: Whether clients must carry one.
    init(desk: Monitor.Desk, needsToken: Bool) {
        self.desk = desk
        page = DashboardPage(needsToken: needsToken)
    }

    func add(to router: Router<BasicRequestContext>) {
        router.get("/") { _, _ in page.response }
        router.get("healthz") { _, _ in Response(text: "ok\n") }
        router.get("readyz") { _, _ in await readiness() }
        router.get("metrics") { _, _ in await metrics() }
        router.get("api/v1/run") { _, _ in try await answer { RunAnswer($0) } }
        router.get("api/v1/runs") { _, _ in try await runs() }
        router.get("api/v1/rounds") { request, _ in
            let parameters = request.uri.queryParameters
            return try await answer { snapshot in
                RoundsAnswer(
                    snapshot, after: try WorkersQuery.number(parameters["after"].map(String.init), "after", 0),
                    limit: try WorkersQuery.number(
                        parameters["limit"].map(String.init), "limit", RoundsAnswer.roundsMax))
            }
        }
        router.get("api/v1/workers") { request, _ in
            let parameters = request.uri.queryParameters
            return try await answer { snapshot in
                WorkersAnswer(snapshot, try WorkersQuery { name in parameters[name[...]].map(String.init) })
            }
        }
        router.get("api/v1/events") { request, _ in
            let parameters = request.uri.queryParameters
            return try await answer { snapshot in
                EventsAnswer(
                    snapshot,
                    limit: try WorkersQuery.number(
                        parameters["limit"].map(String.init), "limit", EventsAnswer.eventsMax))
            }
        }
        router.get("api/v1/privacy") { _, _ in try await privacy() }
        router.get("api/v1/stream") { _, _ in try await stream() }
        router.post("api/v1/run/pause") { _, _ in try await request(.pause) }
        router.post("api/v1/run/resume") { _, _ in try await request(.run) }
        router.post("api/v1/run/stop") { _, _ in try await request(.stop) }
    }

    private func answer<Answer: Encodable>(
        _ make: @Sendable (RunSnapshot) throws -> Answer
    ) async throws -> Response {
        try await withRun { run in try JSONAnswer.response(try make(try await run.reader.snapshot())) }
    }

    private func runs() async throws -> Response {
        try await withRun { run in
            let archived = try await run.reader.archivedRuns()
            return try JSONAnswer.response(RunsAnswer(current: try await run.reader.snapshot(), archived: archived))
        }
    }

    private func privacy() async throws -> Response {
        try await withRun { run in try JSONAnswer.response(PrivacyAnswer(try await run.reader.privacyReport())) }
    }

    private func stream() async throws -> Response {
        try await withRun { run in
            guard let events = try await run.stream.join() else {
                return try JSONAnswer.failure(
                    "\(LiveStream.clientsMax) clients listen already, or the run has ended",
                    status: .serviceUnavailable)
            }
            return Response.events(events)
        }
    }

    private func request(_ request: RunControl.Request) async throws -> Response {
        try await withRun { run in
            let changed = try await run.reader.ask(for: request)
            return try JSONAnswer.response(ControlAnswer(request: request.rawValue, changed: changed))
        }
    }

    /// Whatever goes wrong is told the client, and nobody else.
    private func withRun(
        _ body: ((reader: RunReader, stream: LiveStream)) async throws -> Response
    ) async throws -> Response {
        guard let run = desk.run else {
            return try JSONAnswer.failure("the coordinator is starting", status: .serviceUnavailable)
        }
        do {
            return try await body(run)
        } catch let error as QueryError {
            return try JSONAnswer.failure("\(error)", status: .badRequest)
        } catch LedgerError.runFinished, LedgerError.runStopped {
            return try JSONAnswer.failure("the run has ended already", status: .conflict)
        } catch LedgerError.noRun {
            return try JSONAnswer.failure("the coordinator is starting", status: .serviceUnavailable)
        } catch {
            return try JSONAnswer.failure("\(error)", status: .serviceUnavailable)
        }
    }

    private func readiness() async -> Response {
        switch await desk.run?.reader.readiness() ?? .notReady("the coordinator is starting") {
        case .ready: Response(text: "ready\n")
        case .notReady(let cause): Response(text: cause + "\n", status: .serviceUnavailable)
        }
    }

    /// While the ledger cannot be read, the process's own figures are told all the same.
    private func metrics() async -> Response {
        let process = ProcessFigures.now()
        let snapshot = try? await desk.run?.reader.snapshot()
        let text =
            snapshot.map { RunMetrics.text($0, process: process) }
            ?? RunMetrics.text(version: desk.version, process: process)
        return Response(text: text, type: MetricsText.contentType)
    }
}

/// `POST /api/v1/run/pause|resume|stop`: the request stands in the ledger, and the coordinator follows within a second.
package struct ControlAnswer: Codable, Hashable, Sendable {
    /// `pause`, `run` or `stop`: what holds now.
    package var request: String
    /// False when it held already.
    package var changed: Bool
}
