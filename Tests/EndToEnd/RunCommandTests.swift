import FixtureFiles
import Foundation
import Testing

/// `shoal run` beside a coordinator that is at work.
@Suite("shoal run", .serialized)
struct RunCommandTests {
    private func show(_ state: String) throws -> [String: Any] {
        let outcome = try Program.run("run", "show", state, "--json")
        try #require(outcome.code == 0, "\(outcome.errors)")
        return try #require(try outcome.objects.first)
    }

    @Test("a running coordinator pauses, resumes and stops for good, and its workers leave")
    func pauseResumeStop() throws {
        let federation = try LocalFederation(workerCount: 2, rounds: 2_000, workersPerRound: 2, localSteps: 2)
        for worker in federation.workers { try federation.invite(worker) }
        let coordinator = try federation.startCoordinator()
        let workers = try federation.workers.map { try federation.startWorker($0) }
        try #require(waitUntil(limitSeconds: 90) { LocalFederation.publishedRounds(coordinator).count >= 2 })

        let paused = try Program.run("run", "pause", federation.state)
        #expect(paused.code == 0 && paused.output.contains("paused"))
        try coordinator.waitFor("the run is paused", limitSeconds: 20)
        let before = try show(federation.state)
        #expect(before["state"] as? String == "paused" && before["coordinatorRunning"] as? Bool == true)
        #expect((before["waitingFor"] as? String)?.contains("shoal run resume") == true)
        let round = try #require(before["round"] as? Int)
        Thread.sleep(forTimeInterval: 1.5)
        #expect(try show(federation.state)["round"] as? Int == round)

        #expect(try Program.run("run", "resume", federation.state).code == 0)
        // The coordinator's own lines may lag behind: they wait for each round's evaluation.
        try #require(
            waitUntil(limitSeconds: 90) { ((try? show(federation.state)["round"] as? Int) ?? 0) > round })
        let identifier = try #require(before["run"] as? String)
        #expect(try Program.run("run", "stop", federation.state, String(identifier.prefix(4))).code == 0)
        let outcome = try coordinator.finish(limitSeconds: 60)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try outcome.objects.last?["event"] as? String == "stopped")
        for worker in workers { #expect(try worker.finish(limitSeconds: 30).code == 0) }

        let after = try show(federation.state)
        #expect(after["state"] as? String == "stopped" && after["coordinatorRunning"] as? Bool == false)
        let events = try #require(after["events"] as? [[String: Any]]).compactMap { $0["kind"] as? String }
        #expect(events == ["paused", "resumed", "stopped"])
        let again = try federation.startCoordinator().finish(limitSeconds: 60)
        #expect(again.code == 2 && again.errors.contains("stopped for good"))
        #expect(try Program.run("run", "resume", federation.state).code == 2)
    }

    @Test("an empty, a missing and a foreign folder are refused with what to give instead")
    func foreign() throws {
        let folder = ScratchFolder()
        try folder.write("text", to: "ledger.txt")
        for path in [folder.path, folder.file("missing")] {
            for command in ["list", "show", "pause", "resume", "stop"] {
                let outcome = try Program.run("run", command, path)
                #expect(outcome.code == 2 && outcome.errors.contains("holds no state"), "\(command) \(path)")
                #expect(outcome.output.isEmpty)
            }
        }
        // Looking made nothing.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["ledger.txt"])
        let state = folder.file("state")
        #expect(try Program.run("keys", "create", "--state", state).code == 0)
        let empty = try Program.run("run", "list", state)
        #expect(empty.code == 2 && empty.errors.contains("no run yet"))
        try folder.write("this is no database, and long enough to be looked at as one", to: "state/ledger.sqlite")
        let damaged = try Program.run("run", "list", state)
        #expect(damaged.code == 2 && damaged.errors.contains("is damaged"), "\(damaged.errors)")
    }
}
