import FixtureFiles
import Foundation
import Testing

/// Runs that follow one another in a state directory.
@Suite("shoal run archive", .serialized)
struct RunArchiveTests {
    @Test(
        "a second run begins with the same keys and enrolments, and the first can still be read, verified and exported")
    func oneAfterAnother() throws {
        let federation = try LocalFederation(workerCount: 2, rounds: 1, workersPerRound: 2, localSteps: 1)
        for worker in federation.workers { try federation.invite(worker) }
        func lead(_ options: [String] = []) throws {
            let coordinator = try federation.startCoordinator(options)
            let workers = try federation.workers.map { try federation.startWorker($0) }
            let outcome = try coordinator.finish(limitSeconds: 120)
            #expect(outcome.code == 0, "\(outcome.errors)")
            for worker in workers {
                let end = try worker.finish(limitSeconds: 30)
                #expect(end.code == 0, "\(end.errors)")
            }
        }
        try lead()
        let state = federation.state
        let first = try #require(try Program.run("run", "show", state, "--json").objects.first?["run"] as? String)
        let key = try Data(contentsOf: URL(fileURLWithPath: state + "/coordinator.key"))
        let adapter = try Data(contentsOf: URL(fileURLWithPath: state + "/adapter/adapter_model.safetensors"))
        let keys = try Program.run("keys", "list", "--state", state).output

        // Another rank is another run.
        let refused = try federation.startCoordinator(["--set", "adapter.rank=2"]).finish(limitSeconds: 60)
        #expect(refused.code == 2, "\(refused.errors)")
        let archived = try Program.run("run", "archive", state)
        try #require(archived.code == 0, "\(archived.errors)")
        #expect(try Program.run("keys", "list", "--state", state).output == keys)
        #expect(try Data(contentsOf: URL(fileURLWithPath: state + "/coordinator.key")) == key)
        #expect(try Program.run("run", "archive", state).code == 2)

        // The workers' join files and states are the ones of the first run.
        try lead(["--set", "adapter.rank=2", "--set", "federation.rounds=2"])
        let list = try Program.run("run", "list", state, "--json").objects
        #expect(list.compactMap { $0["run"] as? String }.count == 2 && list.first?["run"] as? String == first)
        #expect(list.allSatisfy { $0["state"] as? String == "finished" })
        let second = try #require(list.last?["run"] as? String)
        #expect(second != first && list.last?["round"] as? Int == 2)
        for (run, rounds) in [(first, 1), (second, 2)] {
            let shown = try Program.run("run", "show", state, run, "--json")
            #expect(try shown.objects.first?["round"] as? Int == rounds, "\(shown.errors)")
            let verified = try Program.run("run", "verify", state, run, "--json")
            #expect(verified.code == 0, "\(verified.errors)")
            #expect(try verified.objects.first?["records"] as? Int == rounds)
        }
        let out = federation.folder.file("exported")
        let exported = try Program.run("run", "export", "\(state)/runs/\(first)", "--out", out)
        #expect(exported.code == 0, "\(exported.errors)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: out + "/adapter_model.safetensors")) == adapter)
    }

    @Test("workers of a simulation in one process go on as processes of their own, and the other way round")
    func fromOneProcessToMany() throws {
        let folder = ScratchFolder()
        let state = folder.file("state")
        func simulate(_ options: String...) throws {
            let outcome = try Program.start(
                [
                    "simulate", "--workers", "2", "--set", "federation.workers-per-round=2", "--set",
                    "federation.rounds=1", "--set", "training.local-steps=1", "--state", state,
                ] + options
            ).finish()
            try #require(outcome.code == 0, "\(outcome.errors)")
        }
        for options in [["--in-process"], [], ["--in-process"]] {
            if options.isEmpty { try simulate() } else { try simulate(options[0]) }
            let archived = try Program.run("run", "archive", state)
            #expect(archived.code == 0, "\(archived.errors)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: state + "/runs").count == 3)
    }

    @Test("a run that is not over stays where it is")
    func unfinished() throws {
        let federation = try LocalFederation(workerCount: 1, rounds: 5_000, workersPerRound: 1, localSteps: 1)
        let coordinator = try federation.startCoordinator()
        try coordinator.waitFor("listening")
        let held = try Program.run("run", "archive", federation.state)
        #expect(held.code == 2 && held.errors.contains("coordinator"), "\(held.errors)")
        coordinator.send(SIGTERM)
        #expect(try coordinator.finish(limitSeconds: 60).code == 130)
        let outcome = try Program.run("run", "archive", federation.state)
        #expect(outcome.code == 2 && outcome.errors.contains("is not over"), "\(outcome.errors)")
        #expect(try Program.run("run", "show", federation.state).code == 0)
    }
}
