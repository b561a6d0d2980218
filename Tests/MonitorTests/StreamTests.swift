import Coordinator
import Foundation
import Monitor
import Testing
import WebClient

@Suite("The monitor's stream")
struct StreamTests {
    /// The stream's events until it ends.
    private func events(_ client: MonitorClient) async throws -> [(name: String, data: String)] {
        let answer = try await client.ask("api/v1/stream")
        #expect(answer.status == 200)
        #expect(answer.header("Content-Type") == "text/event-stream; charset=utf-8")
        return answer.body.components(separatedBy: "\n\n").filter { $0.hasPrefix("event: ") }.map { message in
            let lines = message.split(separator: "\n")
            return (String(lines[0].dropFirst(7)), String(lines.dropFirst().joined(separator: "\n").dropFirst(6)))
        }
    }

    @Test func aClientIsToldTheWholeStateThenWhatChangedThenTheEnd() async throws {
        let run = try MadeUpRun()
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        client.monitor.board.post(run.fleet())
        async let all = events(client)
        // The stream is open once the monitor has read the run for it.
        while await client.monitor.listeners == 0 { await Task.yield() }
        try run.ledger.ask(for: .pause)
        _ = try await client.ask("api/v1/run/pause", method: "POST")
        await client.monitor.stop(EndOfStream(outcome: "failed", cause: "no space left"))
        let told = try await all
        // What changes while the whole is told may come in between.
        let firsts = told.indices.filter { index in !told[..<index].contains { $0.name == told[index].name } }
        #expect(firsts.prefix(4).map { told[$0].name } == ["run", "rounds", "events", "fleet"])
        let first = try JSONDecoder().decode(RunAnswer.self, from: Data(told[0].data.utf8))
        #expect(first.state == "running" && first.publishedRounds == 2)
        let rounds = try JSONDecoder().decode(RoundsAnswer.self, from: Data(told[firsts[1]].data.utf8))
        #expect(rounds.rounds.map(\.round) == [1, 2])
        let last = try #require(told.last { $0.name == "run" })
        #expect(try JSONDecoder().decode(RunAnswer.self, from: Data(last.data.utf8)).state == "paused")
        let end = try #require(told.last)
        #expect(end.name == "end")
        #expect(
            try JSONDecoder().decode(EndOfStream.self, from: Data(end.data.utf8))
                == EndOfStream(outcome: "failed", cause: "no space left"))
    }

    @Test func manyClientsReadTheLedgerOnce() async throws {
        let run = try MadeUpRun()
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        let before = await client.monitor.ledgerReads
        #expect(before == 0)
        try await withThrowingTaskGroup(of: RunAnswer.self) { group in
            for _ in 0..<40 { group.addTask { try await client.decode(RunAnswer.self, "api/v1/run") } }
            for try await answer in group { #expect(answer.publishedRounds == 2) }
        }
        // One, or a few where 40 answers took longer than a second each.
        let reads = await client.monitor.ledgerReads
        #expect(reads >= 1 && reads < 20)
        await client.stop()
    }

    /// All of them ask before the first is answered.
    @Test func noMoreListenThanMayListen() async throws {
        let run = try MadeUpRun()
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        client.monitor.board.post(run.fleet())
        let port = try #require(Int(client.monitor.url.split(separator: ":").last?.dropLast() ?? ""))
        let connections = try (0..<70).map { _ in try #require(RawConnection(port: port)) }
        for connection in connections { connection.send("GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n") }
        // "HTTP/1.1 200"
        let statuses = connections.map { $0.receive(12).suffix(3) }
        #expect(statuses.count { $0 == "200" } == 64 && statuses.count { $0 == "503" } == 6, "\(statuses)")
        await client.monitor.stop(EndOfStream(outcome: "finished"))
    }
}
