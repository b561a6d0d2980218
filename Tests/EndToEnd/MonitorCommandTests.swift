import FixtureFiles
import Foundation
import Testing
import WebClient

/// `--http` beside a run, as its users meet it.
@Suite("The monitor of a command", .serialized)
struct MonitorCommandTests {
    @Test(
        "what keeps it from serving ends the command before anything else starts",
        arguments: [
            ["--http", "0.0.0.0:0"], ["--http", "nonsense"], ["--http-token-file", "/nowhere"],
            ["--http", "127.0.0.1:0", "--http-token-file", "/nowhere"],
            ["--http", "127.0.0.1:0", "--http-certificate", "/nowhere.pem"],
        ])
    func refused(_ arguments: [String]) throws {
        let folder = ScratchFolder()
        let outcome = try Program.start(["simulate", "--state", folder.file("state")] + arguments).finish()
        #expect(outcome.code == 2 && outcome.errors.contains("--http"), "\(outcome.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.file("state")))
    }

    @Test("a simulation shows itself where its header says, follows the owner, and a taken port is said")
    func live() async throws {
        let folder = ScratchFolder()
        let command = [
            "simulate", "--set", "federation.workers-per-round=2", "--workers", "2", "--state", folder.file("state"),
        ]
        let before = try Program.start(command + ["--set", "federation.rounds=1"]).finish()
        try #require(before.code == 0, "\(before.errors)")
        #expect(try Program.run("run", "archive", folder.file("state")).code == 0)
        let program = try Program.start(command + ["--set", "federation.rounds=2000", "--http", "127.0.0.1:0"])
        try program.waitFor("monitor       http://127.0.0.1:")
        let line = try #require(program.errors.split(separator: "\n").first { $0.hasPrefix("monitor ") })
        let url = String(try #require(line.split(separator: " ").last))
        try program.waitFor("base model")
        let run = try #require(
            try JSONSerialization.jsonObject(with: Data(try await WebClient.ask(url + "api/v1/run").body.utf8))
                as? [String: Any])
        #expect(run["state"] as? String == "running" && run["workersEnrolled"] as? Int == 2)
        let list = try #require(
            try JSONSerialization.jsonObject(with: Data(try await WebClient.ask(url + "api/v1/runs").body.utf8))
                as? [String: [[String: Any]]])
        let runs = try #require(list["runs"])
        #expect(runs.map { $0["isCurrent"] as? Bool } == [true, false])
        #expect(runs[0]["run"] as? String == run["run"] as? String)
        #expect(runs[1]["state"] as? String == "finished" && runs[1]["publishedRounds"] as? Int == 1)
        let metrics = try await WebClient.ask(url + "metrics").body
        #expect(metrics.contains("shoal_run_state{state=\"running\"} 1\n"))
        #expect(try await WebClient.ask(url + "readyz").status == 200)

        let port = try #require(URL(string: url)?.port)
        let second = try Program.run("simulate", "--state", folder.file("second"), "--http", "127.0.0.1:\(port)")
        #expect(second.code == 2 && second.errors.contains("Address already in use"), "\(second.errors)")

        #expect(try await WebClient.ask(url + "api/v1/run/stop", method: "POST").status == 200)
        let ended = try program.finish()
        #expect(ended.code == 0, "\(ended.errors)")
    }
}
