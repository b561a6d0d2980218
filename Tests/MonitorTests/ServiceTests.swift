import Coordinator
import Foundation
import ModelFiles
import Monitor
import Testing
import WebClient

@Suite("The monitor as a service")
struct ServiceTests {
    @Test func itAnswersWhileTheCoordinatorStarts() async throws {
        let client = try await MonitorClient()
        #expect(try await client.ask("healthz").body == "ok\n")
        let starting = try await client.ask("readyz")
        let (ready, cause) = (starting.status, starting.body)
        #expect(ready == 503 && cause == "the coordinator is starting\n")
        for path in ["run", "runs", "rounds", "workers", "events", "privacy", "stream"] {
            #expect(try await client.ask("api/v1/\(path)").status == 503, "\(path)")
        }
        #expect(try await client.ask("api/v1/run/pause", method: "POST").status == 503)
        await client.stop()
    }

    @Test func readyIsWhoTakesWorkersAndCanWrite() async throws {
        let run = try MadeUpRun()
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        #expect(try await client.ask("readyz").status == 503)
        client.monitor.board.post(run.fleet())
        #expect(try await client.ask("readyz").status == 200)
        var leaving = run.fleet()
        leaving.acceptsWorkers = false
        client.monitor.board.post(leaving)
        let answer = try await client.ask("readyz")
        let (status, cause) = (answer.status, answer.body)
        #expect(status == 503 && cause == "the run has ended and takes no workers any more\n")
        await client.stop()

        let other = try await MonitorClient()
        other.monitor.attach(run.ledger, state: run.folder + "/gone")
        other.monitor.board.post(run.fleet())
        let disk = try await other.ask("readyz")
        #expect(disk.status == 503 && disk.body == "the state directory cannot be written: No such file or directory\n")
        await other.stop()
    }

    /// Making and removing a file would change when the folder was changed last.
    @Test func whoeverAsksForReadinessCostsNoWriteAndHardlyALook() async throws {
        let run = try MadeUpRun()
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        client.monitor.board.post(run.fleet())
        // The ledger's own files are there from here on.
        _ = try await client.ask("api/v1/run")
        let before = try lastChange(of: run.folder)
        var isReady = false
        for _ in 0..<50 {
            let posting = ContinuousClock.now
            client.monitor.board.post(run.fleet())
            let answer = try await client.ask("readyz")
            isReady = isReady || answer.status == 200
            // A coordinator that says nothing for a minute is not ready, and a busy machine may make it a minute.
            let mayBeSilent = ContinuousClock.now - posting >= .seconds(60)
            #expect(
                answer.status == 200 || mayBeSilent && answer.body.contains("has served nobody for"), "\(answer.body)")
        }
        #expect(isReady)
        #expect(try lastChange(of: run.folder) == before)
        // One, or a few where 50 answers took longer than a second each.
        let looks = await client.monitor.diskLooks
        #expect(looks >= 1 && looks < 25)
        await client.stop()
    }

    /// To the nanosecond.
    private func lastChange(of folder: String) throws -> [Int] {
        var status = stat()
        try #require(stat(folder, &status) == 0)
        return [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
    }

    @Test func theOwnerPausesResumesAndStops() async throws {
        let run = try MadeUpRun()
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        let pause = try await client.ask("api/v1/run/pause", method: "POST")
        #expect(pause.status == 200 && pause.body == "{\"changed\":true,\"request\":\"pause\"}\n")
        #expect(try run.ledger.control().request == .pause)
        #expect(try await client.decode(RunAnswer.self, "api/v1/run").state == "paused")
        #expect(
            try await client.ask("api/v1/run/pause", method: "POST").body
                == "{\"changed\":false,\"request\":\"pause\"}\n")
        #expect(try await client.ask("api/v1/run/resume", method: "POST").status == 200)
        #expect(try run.ledger.control().request == .run)
        #expect(try await client.ask("api/v1/run/stop", method: "POST").status == 200)
        #expect(try run.ledger.control().request == .stop)
        #expect(try await client.ask("api/v1/run/resume", method: "POST").status == 409)
        // Only a POST changes something.
        #expect(try await client.ask("api/v1/run/stop").status == 404)
        await client.stop()
    }

    @Test func aPauseOfItsOwnTellsItsCause() async throws {
        let run = try MadeUpRun()
        try run.ledger.ask(for: .pause, cause: "3 attempts were worse")
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        let answer = try await client.decode(RunAnswer.self, "api/v1/run")
        #expect(answer.state == "paused" && answer.pauseCause == "3 attempts were worse" && answer.isStuck)
        await client.stop()
    }

    @Test func withoutTheTokenOnlyWhatTellsNothingIsServed() async throws {
        let token = "0123456789abcdef0123"
        let run = try MadeUpRun()
        let client = try await MonitorClient(token: token)
        client.monitor.attach(run.ledger, state: run.folder)
        client.monitor.board.post(run.fleet())
        for path in ["", "healthz", "readyz"] { #expect(try await client.ask(path).status == 200, "\(path)") }
        for path in ["run", "rounds", "workers", "events", "privacy", "stream"] {
            #expect(try await client.ask("api/v1/\(path)").status == 401, "\(path)")
        }
        #expect(try await client.ask("metrics").status == 401)
        #expect(try await client.ask("api/v1/run/stop", method: "POST").status == 401)
        #expect(try run.ledger.control().request == .run)
        let bearer = ["Authorization": "Bearer \(token)"]
        #expect(try await client.ask("metrics", headers: bearer).status == 200)
        #expect(try await client.ask("api/v1/run", headers: bearer).status == 200)
        #expect(try await client.ask("").body.contains("data-needs-token=\"yes\""))
        await client.stop()
    }

    @Test func aPageOfAnotherOriginChangesNothing() async throws {
        let run = try MadeUpRun()
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        let evil = ["Origin": "http://evil.example"]
        #expect(try await client.ask("api/v1/run/stop", method: "POST", headers: evil).status == 403)
        #expect(try await client.ask("api/v1/run", headers: ["Host": "evil.example"]).status == 421)
        #expect(try run.ledger.control().request == .run)
        await client.stop()
    }

    @Test func theDashboardIsOnePageThatLoadsNothing() async throws {
        let client = try await MonitorClient()
        let answer = try await client.ask("")
        #expect(answer.status == 200)
        let (page, policy) = (answer.body, try #require(answer.header("Content-Security-Policy")))
        #expect(policy.contains("default-src 'none'") && !policy.contains("unsafe"))
        for (tag, directive) in [("script", "script-src"), ("style", "style-src")] {
            let inside = page.components(separatedBy: "<\(tag)>").dropFirst().first?
                .components(separatedBy: "</\(tag)>").first
            let hash = ContentHash(of: Array(try #require(inside).utf8))
            let encoded = Data(hash.bytes).base64EncodedString()
            #expect(policy.contains("\(directive) 'sha256-\(encoded)'"))
        }
        #expect(!page.contains("src=\"") && !page.contains("http-equiv") && !page.contains("@import"))
        #expect(page.contains("data-needs-token=\"no\""))
        #expect(!page.contains("innerHTML") && !page.contains("insertAdjacentHTML"))
        #expect(answer.header("X-Frame-Options") == "DENY")
        await client.stop()
    }
}
