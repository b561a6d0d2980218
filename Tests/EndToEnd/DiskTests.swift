import FixtureFiles
import Foundation
import Testing

/// A coordinator whose state directory is not its to write.
@Suite("A state directory that refuses", .serialized)
struct DiskTests {
    private func verify(_ state: String, rounds: Int, updates: Int) throws {
        let verified = try Program.run("run", "verify", state)
        #expect(verified.code == 0, "\(verified.errors)")
        let shown = try #require(try Program.run("run", "show", state, "--json").objects.first)
        #expect(shown["state"] as? String == "finished" && shown["round"] as? Int == rounds)
        #expect(shown["updates"] as? Int == updates)
    }

    @Test("a state directory that may not be written is refused, and is as it was afterwards")
    func readOnly() throws {
        let federation = try LocalFederation(workerCount: 2, rounds: 2, workersPerRound: 2, localSteps: 1)
        for worker in federation.workers { try federation.invite(worker) }
        let workers = try federation.workers.map { try federation.startWorker($0) }
        #expect(try federation.startCoordinator().finish(limitSeconds: 120).code == 0)
        for worker in workers { #expect(try worker.finish(limitSeconds: 30).code == 0) }

        let protect = { (mode: String) in
            let chmod = Process()
            chmod.executableURL = URL(fileURLWithPath: "/bin/chmod")
            chmod.arguments = ["-R", mode, federation.state]
            try chmod.run()
            chmod.waitUntilExit()
        }
        try protect("a-w")
        defer { try? protect("u+w") }
        // Root obeys permissions once it has given up the right not to.
        let drop = geteuid() == 0 ? ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] : ["env"]
        let refused = try RunningProgram(
            path: "/usr/bin/env",
            arguments: drop + [Program.path] + federation.coordinatorArguments + ["--set", "federation.rounds=3"],
            environment: [:]
        ).finish(limitSeconds: 60)
        #expect(refused.code == 2 && refused.errors.contains("Permission denied"), "\(refused.errors)")
        try protect("u+w")
        try verify(federation.state, rounds: 2, updates: 4)
    }

    @Test("a second coordinator on the same state is refused while the first goes on")
    func second() throws {
        let federation = try LocalFederation(workerCount: 2, rounds: 2, workersPerRound: 2, localSteps: 1)
        for worker in federation.workers { try federation.invite(worker) }
        let first = try federation.startCoordinator()
        try first.waitFor("listening on", limitSeconds: 60)
        let outcome = try Program.start(
            federation.coordinatorArguments.map { $0.hasPrefix("tcp://") ? "tcp://127.0.0.1:0" : $0 }
        ).finish(limitSeconds: 60)
        #expect(outcome.code == 2 && outcome.errors.contains("another coordinator runs"), "\(outcome.errors)")
        let workers = try federation.workers.map { try federation.startWorker($0) }
        #expect(try first.finish(limitSeconds: 120).code == 0)
        for worker in workers { #expect(try worker.finish(limitSeconds: 30).code == 0) }
    }
}
