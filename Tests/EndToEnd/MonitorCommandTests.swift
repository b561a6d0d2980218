import FixtureFiles
import Foundation
import FoundationNetworking
import Testing

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
        let program = try Program.start(
            [
                "simulate", "--set", "federation.rounds=2000", "--set", "federation.workers-per-round=2", "--workers",
                "2", "--state", folder.file("state"),
            ]
                + ["--http", "127.0.0.1:0"])
        try program.waitFor("monitor       http://127.0.0.1:")
        let line = try #require(program.errors.split(separator: "\n").first { $0.hasPrefix("monitor ") })
        let url = String(try #require(line.split(separator: " ").last))
        try program.waitFor("base model")
        let run = try #require(
            try JSONSerialization.jsonObject(with: try await ask(url + "api/v1/run").0) as? [String: Any])
        #expect(run["state"] as? String == "running" && run["workersEnrolled"] as? Int == 2)
        let metrics = String(decoding: try await ask(url + "metrics").0, as: UTF8.self)
        #expect(metrics.contains("shoal_run_state{state=\"running\"} 1\n"))
        #expect(try await ask(url + "readyz").1 == 200)

        let port = try #require(URL(string: url)?.port)
        let second = try Program.run("simulate", "--state", folder.file("second"), "--http", "127.0.0.1:\(port)")
        #expect(second.code == 2 && second.errors.contains("Address already in use"), "\(second.errors)")

        #expect(try await ask(url + "api/v1/run/stop", method: "POST").1 == 200)
        #expect(try program.finish(limitSeconds: 120).code == 0)
    }

    private func ask(_ address: String, method: String = "GET") async throws -> (Data, Int) {
        var request = URLRequest(url: try #require(URL(string: address)))
        request.httpMethod = method
        let (data, response) = try await URLSession.shared.data(for: request)
        return (data, try #require(response as? HTTPURLResponse).statusCode)
    }
}
