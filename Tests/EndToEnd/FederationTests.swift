import FixtureFiles
import Foundation
import Testing

/// A coordinator and its workers under the accidents of real life.
@Suite("A real federation", .serialized)
struct FederationTests {
    @Test("a killed worker does not stop the round, and takes part again once restarted")
    func killedWorker() throws {
        let federation = try LocalFederation(
            workerCount: 4, rounds: 40, workersPerRound: 3, localSteps: 6,
            settings: ["limits: {lease: 3s, heartbeat: 500ms}"])
        for worker in federation.workers { try federation.invite(worker) }
        let coordinator = try federation.startCoordinator()
        var running: [String: RunningProgram] = [:]
        for worker in federation.workers { running[worker] = try federation.startWorker(worker) }
        var victim: String?
        waitUntil(limitSeconds: 60) {
            victim = running.first { $0.value.errors.contains("info training") }?.key
            return victim != nil
        }
        let name = try #require(victim)
        running[name]?.send(SIGKILL)
        #expect(
            waitUntil(limitSeconds: 60) { !LocalFederation.publishedRounds(coordinator).isEmpty },
            "no round was published after the kill: \(coordinator.errors)")

        let restarted = try federation.startWorker(name)
        try restarted.waitFor("update accepted", limitSeconds: 60)
        let outcome = try coordinator.finish()
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(LocalFederation.publishedRounds(coordinator) == Array(1...40))
        for worker in federation.workers where worker != name {
            let ended = try #require(running[worker]).finish(limitSeconds: 30)
            #expect(ended.code == 0, "\(worker): \(ended.errors)")
        }
        #expect(try restarted.finish(limitSeconds: 30).code == 0)
    }

    @Test("a killed coordinator goes on with its run where it was, and its workers come back by themselves")
    func killedCoordinator() throws {
        let federation = try LocalFederation(workerCount: 3, rounds: 6, workersPerRound: 3, localSteps: 4)
        for worker in federation.workers { try federation.invite(worker) }
        let first = try federation.startCoordinator()
        let workers = try federation.workers.map { try federation.startWorker($0) }
        try #require(waitUntil(limitSeconds: 60) { LocalFederation.publishedRounds(first).count >= 2 })
        first.send(SIGKILL)
        _ = try first.finish()

        let second = try federation.startCoordinator()
        let outcome = try second.finish(limitSeconds: 120)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let rounds = LocalFederation.publishedRounds(first) + LocalFederation.publishedRounds(second)
        // A round published in the instant before the kill may not have been reported; none is reported twice.
        #expect(rounds.last == 6 && Set(rounds).count == rounds.count && rounds == rounds.sorted())
        for worker in workers { #expect(try worker.finish(limitSeconds: 30).code == 0) }
    }

    @Test("a worker without the base model downloads it")
    func download() throws {
        let federation = try LocalFederation(workerCount: 2, rounds: 1, workersPerRound: 2, localSteps: 2)
        for worker in federation.workers { try federation.invite(worker) }
        let coordinator = try federation.startCoordinator()
        let workers = try federation.workers.map { try federation.startWorker($0, holdsModel: false) }
        #expect(try coordinator.finish(limitSeconds: 120).code == 0)
        for worker in workers { #expect(try worker.finish(limitSeconds: 30).code == 0) }
    }

    @Test("SIGTERM ends a waiting coordinator and a waiting worker cleanly")
    func terminated() throws {
        let federation = try LocalFederation(workerCount: 2, rounds: 1, workersPerRound: 2, localSteps: 2)
        let name = try #require(federation.workers.first)
        try federation.invite(name)
        let coordinator = try federation.startCoordinator()
        let worker = try federation.startWorker(name)
        try worker.waitFor("info connected", limitSeconds: 60)
        worker.send(SIGTERM)
        #expect(try worker.finish(limitSeconds: 20).code == 130)
        coordinator.send(SIGTERM)
        #expect(try coordinator.finish(limitSeconds: 20).code == 130)
    }

    @Test("an invitation works once, a revoked key never again, and both are told why")
    func keys() throws {
        let federation = try LocalFederation(workerCount: 2, rounds: 1, workersPerRound: 2, localSteps: 2)
        let name = try #require(federation.workers.first)
        let join = try federation.invite(name)
        let coordinator = try federation.startCoordinator()
        let first = try federation.startWorker(name)
        try first.waitFor("info connected", limitSeconds: 60)
        first.send(SIGTERM)
        _ = try first.finish(limitSeconds: 20)

        // Another machine with a copy of the same join file.
        let stolen = try Program.start([
            "worker", "--join", join, "--data", federation.folder.file("\(name).jsonl"), "--state",
            federation.folder.file("thief"), "--model", "built-in",
        ])
        let refused = try stolen.finish(limitSeconds: 60)
        #expect(refused.code == 2)
        #expect(refused.errors.contains("invit"))

        #expect(try Program.run("keys", "revoke", "--state", federation.state, "--name", name).code == 0)
        let revoked = try federation.startWorker(name).finish(limitSeconds: 60)
        #expect(revoked.code == 2)
        #expect(revoked.errors.contains("revoke"))
        coordinator.send(SIGTERM)
        _ = try coordinator.finish(limitSeconds: 20)
    }

    @Test("a port in use is refused with exit code 2")
    func portInUse() throws {
        let federation = try LocalFederation(workerCount: 2, rounds: 1, workersPerRound: 2, localSteps: 2)
        let other = try LocalFederation(workerCount: 2, rounds: 1, workersPerRound: 2, localSteps: 2)
        let coordinator = try federation.startCoordinator()
        try coordinator.waitFor("listening", limitSeconds: 60)
        let second = try Program.start([
            "coordinator", "--config", other.folder.file("run.yaml"), "--state", other.state, "--bind",
            "tcp://127.0.0.1:\(federation.port)",
        ]).finish(limitSeconds: 60)
        #expect(second.code == 2)
        #expect(second.errors.contains("\(federation.port)"))
        coordinator.send(SIGTERM)
        _ = try coordinator.finish(limitSeconds: 20)
    }

    @Test("a worker with less than one block of text leaves with exit code 2, and both sides say why")
    func shortText() throws {
        let federation = try LocalFederation(workerCount: 2, rounds: 1, workersPerRound: 2, localSteps: 2)
        for worker in federation.workers { try federation.invite(worker) }
        let coordinator = try federation.startCoordinator()
        let (name, other) = (try #require(federation.workers.first), try #require(federation.workers.last))
        let data = try federation.folder.write("{\"text\": \"short\"}\n", to: "short.jsonl")
        let short = try Program.start([
            "worker", "--join", federation.folder.file("\(name).join"), "--data", data, "--state",
            federation.folder.file("short"), "--model", "built-in",
        ])
        let whole = try federation.startWorker(other)
        let outcome = try short.finish(limitSeconds: 120)
        #expect(outcome.code == 2)
        #expect(outcome.errors.contains("less than one block of 64"))
        try coordinator.waitFor("worker \(name) gives no update for round 1", limitSeconds: 60)
        // Neither where the text is nor how much of it there is.
        #expect(!coordinator.errors.contains(data) && !coordinator.errors.contains("one block of"))
        for program in [coordinator, whole] {
            program.send(SIGTERM)
            _ = try program.finish(limitSeconds: 30)
        }
    }

    @Test("a base model that differs in its tokenizer alone is refused with exit code 2")
    func otherBaseModel() throws {
        let federation = try LocalFederation(workerCount: 2, rounds: 1, workersPerRound: 2, localSteps: 2)
        let name = try #require(federation.workers.first)
        try federation.invite(name)
        let coordinator = try federation.startCoordinator()
        let model = federation.folder.file("model")
        try FileManager.default.createDirectory(atPath: model, withIntermediateDirectories: true)
        let original = FixtureFiles.packagePath("Sources/CBuiltIn/files")
        for file in ["config.json", "tokenizer.json", "model.safetensors"] {
            try FileManager.default.copyItem(atPath: "\(original)/\(file)", toPath: "\(model)/\(file)")
        }
        let tokenizer = try FileHandle(forWritingTo: URL(fileURLWithPath: "\(model)/tokenizer.json"))
        try tokenizer.seekToEnd()
        try tokenizer.write(contentsOf: Data("\n".utf8))
        try tokenizer.close()
        let worker = try Program.start([
            "worker", "--join", federation.folder.file("\(name).join"), "--data",
            try federation.folder.write("{\"text\": \"short\"}\n", to: "short.jsonl"), "--state",
            federation.folder.file("worker"), "--model", model,
        ])
        let outcome = try worker.finish(limitSeconds: 60)
        #expect(outcome.code == 2)
        #expect(outcome.errors.contains("the run's base model is"))
        coordinator.send(SIGTERM)
        _ = try coordinator.finish(limitSeconds: 20)
    }
}
