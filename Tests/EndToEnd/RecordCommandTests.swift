import FixtureFiles
import Foundation
import Testing

/// `shoal run verify` on what a real federation left.
@Suite("shoal run verify", .serialized)
struct RecordCommandTests {
    @Test("checks the records of a run, against a worker's memory too, and names a bad one")
    func verify() throws {
        let federation = try LocalFederation(workerCount: 2, rounds: 3, workersPerRound: 2, localSteps: 2)
        for worker in federation.workers { try federation.invite(worker) }
        let coordinator = try federation.startCoordinator()
        let workers = try federation.workers.map { try federation.startWorker($0) }
        #expect(try coordinator.finish(limitSeconds: 120).code == 0)
        for worker in workers { #expect(try worker.finish(limitSeconds: 30).code == 0) }

        let good = try Program.run("run", "verify", federation.state, "--json")
        #expect(good.code == 0, "\(good.errors)")
        let line = try #require(try good.objects.first)
        #expect(line["sound"] as? Bool == true && line["records"] as? Int == 3)
        // Both workers saw the records of rounds 1 and 2 before the next one, and the last before they left.
        #expect(line["countersignatures"] as? Int == 6)

        // What a worker remembers is the same head, by the same key.
        let run = try #require(line["run"] as? String)
        let worker = try #require(federation.workers.first)
        let text = federation.folder.text("\(worker).state/records/\(run).json")
        let memory = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let (head, key) = (try #require(memory["head"] as? String), try #require(memory["coordinatorKey"] as? String))
        #expect(line["head"] as? String == head && line["key"] as? String == key)
        #expect(try Program.run("run", "verify", federation.state, "--head", head, "--key", key).code == 0)
        let other = String(key.reversed())
        for option in ["--head", "--key"] {
            let outcome = try Program.run("run", "verify", federation.state, option, other)
            #expect(outcome.code == 1 && outcome.errors.contains("not sound"), "\(option)")
        }
        #expect(try Program.run("run", "verify", federation.state, "--head", "abc").code == 2)

        try FileManager.default.removeItem(atPath: federation.state + "/adapters/0002")
        try FileManager.default.copyItem(
            atPath: federation.state + "/adapters/0001", toPath: federation.state + "/adapters/0002")
        let bad = try Program.run("run", "verify", federation.state)
        #expect(bad.code == 1 && bad.errors.contains("record 2 (round 2)"), "\(bad.errors)")
    }
}
