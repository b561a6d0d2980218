import FixtureFiles
import Foundation
import Testing
import WebClient

/// `shoal coordinator --stay`, as a service manager runs it.
@Suite("A coordinator that stays after its run", .serialized)
struct StayingCoordinatorTests {
    /// What monitoring and probes see of a run that is over.
    private func expectFinished(_ url: String) async throws {
        #expect(try await WebClient.ask(url + "healthz").status == 200)
        #expect(try await WebClient.ask(url + "readyz").status == 200)
        let metrics = try await WebClient.ask(url + "metrics").body
        #expect(metrics.contains("shoal_run_state{state=\"finished\"} 1\n"))
        #expect(metrics.contains("shoal_run_state{state=\"running\"} 0\n"))
        #expect(try await WebClient.ask(url + "api/v1/run/pause", method: "POST").status == 409)
    }

    @Test("it serves its monitor and late workers until it is stopped, and its exit code stays 0")
    func stays() async throws {
        let federation = try LocalFederation(workerCount: 2, rounds: 1, workersPerRound: 1, localSteps: 1)
        for worker in federation.workers { try federation.invite(worker) }
        let options = ["--stay", "--http", "127.0.0.1:0"]
        let coordinator = try federation.startCoordinator(options)
        let url = try LocalFederation.monitorURL(of: coordinator)
        let first = try federation.startWorker(federation.workers[0])
        #expect(try first.finish(limitSeconds: 120).code == 0)
        // What it came to is told when the run ends, not when the process does.
        try coordinator.waitFor("\"event\":\"finished\"", limitSeconds: 30)
        try coordinator.waitFor("stays until it is told to stop")
        try await expectFinished(url)
        // Joins for the first time when the run is over.
        let late = try federation.startWorker(federation.workers[1])
        #expect(try late.finish(limitSeconds: 60).code == 0)
        #expect(coordinator.isRunning)
        #expect(try Program.run("run", "show", federation.state).output.contains("finished"))
        coordinator.send(SIGTERM)
        let outcome = try coordinator.finish(limitSeconds: 30)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try outcome.objects.count { $0["event"] as? String == "finished" } == 1)

        // As after a crash or a new node.
        let again = try federation.startCoordinator(options)
        try await expectFinished(try LocalFederation.monitorURL(of: again))
        again.send(SIGTERM)
        let second = try again.finish(limitSeconds: 30)
        #expect(second.code == 0, "\(second.errors)")
        #expect(try second.objects.last?["event"] as? String == "finished")
        // And without the option, as ever.
        #expect(try federation.startCoordinator().finish(limitSeconds: 60).code == 0)
    }

    @Test("stopped before the end of its run, it is interrupted as any other")
    func interrupted() throws {
        let federation = try LocalFederation(workerCount: 1, rounds: 5_000, workersPerRound: 1, localSteps: 1)
        let coordinator = try federation.startCoordinator(["--stay"])
        try coordinator.waitFor("listening")
        coordinator.send(SIGTERM)
        #expect(try coordinator.finish(limitSeconds: 30).code == 130)
    }
}
