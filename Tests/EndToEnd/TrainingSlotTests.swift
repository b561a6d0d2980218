import FixtureFiles
import Foundation
import Testing
import WebClient

/// Workers of one machine that train in turn.
@Suite("Training slots", .serialized)
struct TrainingSlotTests {
    private func show(_ state: String) throws -> [String: Any] {
        let outcome = try Program.run("run", "show", state, "--json")
        try #require(outcome.code == 0, "\(outcome.errors)")
        return try #require(try outcome.objects.first)
    }

    @Test("workers wait for a slot, keep their leases, say what they wait for, and go on when its holder is killed")
    func waiting() async throws {
        let federation = try LocalFederation(
            workerCount: 3, rounds: 2, workersPerRound: 3, localSteps: 2,
            settings: ["limits: {lease: 3s, heartbeat: 1s}"])
        for worker in federation.workers { try federation.invite(worker) }
        let slots = federation.folder.file("slots")
        try FileManager.default.createDirectory(
            atPath: slots, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        // Whoever else holds the one slot: the system's own program for such locks.
        let holder = try RunningProgram(
            path: "/usr/bin/flock", arguments: ["--no-fork", slots + "/slot-0", "sleep", "1000"], environment: [:])
        try #require(waitUntil(limitSeconds: 20) { FileManager.default.fileExists(atPath: slots + "/slot-0") })

        let coordinator = try federation.startCoordinator(["--http", "127.0.0.1:0"])
        let url = try LocalFederation.monitorURL(of: coordinator)
        let workers = try federation.workers.map {
            try federation.startWorker(
                $0, options: ["--training-slots", "1"], environment: ["SHOAL_SLOTS_FOLDER": slots])
        }
        for worker in workers { try worker.waitFor("waiting for a training slot") }
        // Longer than a lease that nobody renews.
        try await Task.sleep(for: .seconds(5))
        #expect(LocalFederation.publishedRounds(coordinator).isEmpty)
        let fleet = try #require(
            try JSONSerialization.jsonObject(with: Data(try await WebClient.ask(url + "api/v1/workers").body.utf8))
                as? [String: Any])
        let members = try #require(fleet["workers"] as? [[String: Any]])
        #expect(members.count == 3 && members.allSatisfy { $0["waitsForSlot"] as? Bool == true }, "\(members)")
        // Who waits for its turn holds up nobody.
        #expect(try show(federation.state)["lateCount"] as? Int == 0)
        #expect(workers.allSatisfy { !$0.errors.contains("task dropped") && $0.isRunning })

        holder.send(SIGKILL)
        let outcome = try coordinator.finish(limitSeconds: 120)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(LocalFederation.publishedRounds(coordinator) == [1, 2])
        for worker in workers { #expect(try worker.finish(limitSeconds: 30).code == 0) }
    }

    @Test("a simulation of processes comes to the same end with one slot as without any")
    func simulation() throws {
        let folder = ScratchFolder()
        var losses: [Double] = []
        for slots in ["1", "off"] {
            let program = try Program.start(
                [
                    "simulate", "--json", "--state", folder.file("state-\(slots)"), "--set", "federation.rounds=2",
                    "--set",
                    "training.local-steps=2",
                ], environment: ["SHOAL_TRAINING_SLOTS": slots, "SHOAL_SLOTS_FOLDER": folder.file("slots")])
            let outcome = try program.finish(limitSeconds: 240)
            try #require(outcome.code == 0, "\(outcome.errors)")
            losses.append(try #require(try outcome.objects.last?["finalLoss"] as? Double))
        }
        #expect(losses[0] == losses[1])
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.file("slots")).sorted()
        #expect(files == ["gate", "slot-0"])
    }

    @Test("numbers that are none are refused")
    func badNumbers() throws {
        let federation = try LocalFederation(workerCount: 1, rounds: 1, workersPerRound: 1, localSteps: 1)
        try federation.invite(federation.workers[0])
        let option = try federation.startWorker(federation.workers[0], options: ["--training-slots", "0"])
        #expect(try option.finish().code == 2)
        let variable = try federation.startWorker(
            federation.workers[0], environment: ["SHOAL_TRAINING_SLOTS": "many"]
        ).finish()
        #expect(variable.code == 2 && variable.errors.contains("SHOAL_TRAINING_SLOTS is 'many'"))
    }
}
