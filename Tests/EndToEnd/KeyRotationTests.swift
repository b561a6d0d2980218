import FixtureFiles
import Foundation
import Testing

/// A coordinator whose key is replaced, as its operator does it.
@Suite("shoal keys rotate", .serialized)
struct KeyRotationTests {
    private func rotate(_ federation: LocalFederation, _ options: String...) throws -> Program.Outcome {
        try Program.start(["keys", "rotate", "--state", federation.state] + options).finish()
    }

    @Test("workers that heard of the next key follow, one that was away is told, and the old key opens nothing")
    func rotation() throws {
        let federation = try LocalFederation(workerCount: 3, rounds: 5_000, workersPerRound: 1, localSteps: 1)
        let (online, away, late) = (federation.workers[0], federation.workers[1], federation.workers[2])
        for worker in federation.workers { try federation.invite(worker) }
        var coordinator = try federation.startCoordinator()
        let worker = try federation.startWorker(online)
        let absent = try federation.startWorker(away)
        for program in [worker, absent] { try program.waitFor(" connected ") }
        absent.send(SIGTERM)
        #expect(try absent.finish(limitSeconds: 30).code == 130)
        #expect(try rotate(federation, "--finish").errors.contains("no rotation is under way"))

        let begun = try rotate(federation)
        #expect(begun.code == 0 && begun.output.contains("next coordinator public key"), "\(begun.errors)")
        try worker.waitFor("keeps the key that the coordinator will have")
        // A join file from before the rotation still enrols a worker, and it learns the next key as well.
        let newcomer = try federation.startWorker(late)
        try newcomer.waitFor("keeps the key that the coordinator will have")
        let areKnown = waitUntil(limitSeconds: 120) {
            (try? rotate(federation).output.contains("2 of 3 workers know")) == true
        }
        try #require(areKnown)
        #expect(try rotate(federation).output.contains("\(away) does not know it yet"))
        #expect(try rotate(federation, "--finish", "--force").code == 2)

        // The thief takes a copy of everything while the old key is still in place.
        let stolen = federation.folder.file("stolen.key")
        try FileManager.default.copyItem(atPath: federation.state + "/coordinator.key", toPath: stolen)
        coordinator.send(SIGTERM)
        #expect(try coordinator.finish(limitSeconds: 60).code == 130)
        let early = try rotate(federation, "--finish")
        #expect(early.code == 2 && early.errors.contains(away), "\(early.errors)")
        #expect(try rotate(federation, "--finish", "--force").code == 0)

        coordinator = try federation.startCoordinator()
        for program in [worker, newcomer] {
            #expect(waitUntil(limitSeconds: 90) { connections(program) >= 2 }, "\(program.errors.suffix(1500))")
        }
        let refused = try federation.startWorker(away).finish(limitSeconds: 90)
        #expect(refused.code == 2 && refused.errors.contains("--enrolled"), "\(refused.errors)")
        let join = federation.folder.file("\(away).join")
        let again = try Program.run(
            "keys", "invite", "--state", federation.state, "--name", away, "--endpoint",
            "tcp://127.0.0.1:\(federation.port)", "--out", join, "--enrolled")
        try #require(again.code == 0, "\(again.errors)")
        let back = try federation.startWorker(away)
        try back.waitFor(" connected ")
        back.send(SIGTERM)
        #expect(try back.finish(limitSeconds: 30).code == 130)
        // The newcomer is started again from the file that it first had.
        newcomer.send(SIGTERM)
        #expect(try newcomer.finish(limitSeconds: 30).code == 130)
        let restarted = try federation.startWorker(late)
        try restarted.waitFor(" connected ")

        coordinator.send(SIGTERM)
        #expect(try coordinator.finish(limitSeconds: 60).code == 130)
        let key = federation.state + "/coordinator.key"
        try FileManager.default.removeItem(atPath: key)
        try FileManager.default.copyItem(atPath: stolen, toPath: key)
        let before = connections(worker)
        let thief = try federation.startCoordinator()
        let outcome = try worker.finish(limitSeconds: 90)
        #expect(outcome.code == 2 && outcome.errors.contains("ends every handshake"), "\(outcome.errors.suffix(1500))")
        #expect(connections(worker) == before)
        withExtendedLifetime((thief, restarted)) {}
    }

    @Test("a join file made during the overlap works before and after it; a rotation can be given up")
    func joinFileOfTheOverlap() throws {
        let federation = try LocalFederation(workerCount: 2, rounds: 1, workersPerRound: 2, localSteps: 1)
        #expect(try rotate(federation).code == 0)
        for worker in federation.workers { try federation.invite(worker) }
        #expect(try rotate(federation, "--finish").code == 0)
        let coordinator = try federation.startCoordinator()
        let workers = try federation.workers.map { try federation.startWorker($0) }
        #expect(try coordinator.finish(limitSeconds: 120).code == 0)
        for worker in workers { #expect(try worker.finish(limitSeconds: 30).code == 0) }

        let key = try String(contentsOfFile: federation.state + "/coordinator.key", encoding: .utf8)
        #expect(try rotate(federation).code == 0)
        #expect(try rotate(federation, "--cancel").code == 0)
        #expect(try rotate(federation, "--cancel").code == 2)
        #expect(try String(contentsOfFile: federation.state + "/coordinator.key", encoding: .utf8) == key)
    }

    private func connections(_ program: RunningProgram) -> Int {
        program.errors.components(separatedBy: " connected ").count - 1
    }
}
