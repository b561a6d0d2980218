import FixtureFiles
import Foundation
import Testing

@Suite("A worker with an owner's policy")
struct OwnerPolicyTests {
    @Test("what it declines reaches the coordinator's log and `run show` with the rule's name and value")
    func declined() throws {
        let federation = try LocalFederation(workerCount: 2, rounds: 2, workersPerRound: 2, localSteps: 2)
        for worker in federation.workers { try federation.invite(worker) }
        let policy = try federation.folder.write("training: {minimum-steps: 5}\n", to: "policy.yaml")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: policy)
        let coordinator = try federation.startCoordinator()
        let strict = try federation.startWorker(federation.workers[0], options: ["--policy", policy])
        let open = try federation.startWorker(federation.workers[1])
        let words = "the owner's policy declines: training.minimum-steps 5: the round has 2"
        try coordinator.waitFor("worker \(federation.workers[0]) gives no update for round 1: \(words)")
        try strict.waitFor("training.minimum-steps 5")
        // The worker that is left may have ended the run by now; only a running one has a standing.
        let shown = waitUntil(limitSeconds: 30) {
            let show = try? Program.run("run", "show", federation.state)
            return show?.output.contains(words) == true || !coordinator.isRunning
        }
        #expect(shown)
        _ = open
    }

    @Test("a coordinator that the policy does not name is not even connected to")
    func coordinator() throws {
        let federation = try LocalFederation(workerCount: 1, rounds: 1, workersPerRound: 1, localSteps: 1)
        try federation.invite(federation.workers[0])
        let other = String(repeating: "0", count: 40)
        let policy = try federation.folder.write("allow: {coordinators: [\"\(other)\"]}", to: "policy.yaml")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: policy)
        let outcome = try federation.startWorker(federation.workers[0], options: ["--policy", policy]).finish()
        #expect(outcome.code == 2 && outcome.errors.contains("declines: allow.coordinators of 1: coordinator "))
    }

    @Test("a policy is checked, said in words, and refused where others may change it")
    func checked() throws {
        let folder = ScratchFolder()
        let path = try folder.write("privacy: {require: [masks], minimum-cohort: 20}\n", to: "policy.yaml")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        let good = try Program.run("config", "policy", path)
        #expect(good.code == 0 && good.output.contains("no sum of fewer than 20 workers can be read\n"))
        try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path)
        let open = try Program.run("config", "policy", path)
        #expect(open.code == 2 && open.errors.contains("may be changed by others; run: chmod go-w"))
        let typo = try folder.write("privacy:\n  requires: [masks]\n", to: "typo.yaml")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: typo)
        let refused = try Program.run("config", "policy", typo)
        #expect(
            refused.code == 2 && refused.errors.contains("typo.yaml:2: unknown key 'requires' in 'privacy'; did you"))
        let schema = try Program.run("config", "policy", "--schema")
        #expect(schema.code == 0 && schema.output.contains("\"minimum-cohort\""))
        #expect(try Program.run("config", "policy").code == 2)
    }
}

@Suite("What a fleet's logs hold")
struct LogSecrecyTests {
    /// Every run of this many characters of a text counts as the text.
    private static let window = 16

    @Test("no training text, not even at the most talkative level")
    func noText() throws {
        let federation = try LocalFederation(workerCount: 3, rounds: 2, workersPerRound: 3, localSteps: 2)
        for worker in federation.workers { try federation.invite(worker) }
        let coordinator = try federation.startCoordinator(["--log-level", "trace"])
        let workers = try federation.workers.map {
            try federation.startWorker($0, options: ["--log-level", "trace", "--log-format", "json"])
        }
        let finished = try coordinator.finish()
        #expect(finished.code == 0)
        var logs = [finished.output, finished.errors]
        for worker in workers {
            let outcome = try worker.finish()
            logs += [outcome.output, outcome.errors]
        }
        // The search finds what is there: each worker's log has its rounds.
        #expect(logs.count { $0.contains("update accepted") } >= 3 || logs.count { $0.contains("training") } >= 3)
        let seen = Set(logs.flatMap { Self.windows(of: $0) })
        var searched = 0
        for worker in federation.workers {
            for text in try Self.texts(federation.folder.text("\(worker).jsonl")) {
                for part in Self.windows(of: text) {
                    searched += 1
                    #expect(!seen.contains(part), "\(part)")
                }
            }
        }
        #expect(searched > 1_000)
    }

    private static func texts(_ rows: String) throws -> [String] {
        try rows.split(separator: "\n").map { line in
            let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            return try #require(row["text"] as? String)
        }
    }

    private static func windows(of text: String) -> Set<[UInt8]> {
        let bytes = Array(text.utf8)
        guard bytes.count >= window else { return [] }
        return Set((0...bytes.count - window).map { Array(bytes[$0..<$0 + window]) })
    }
}
