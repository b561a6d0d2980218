import Coordinator
import Foundation
import Monitor
import RunFile
import Testing
import WebClient

@Suite("Whether a run is stuck")
struct StuckTests {
    @Test(
        arguments: [
            // Twice the deadline, or the rounds where they take longer; twice the rounds without one; a bound before the
            // first.
            (false, 1_800.0, 40.0, 3_600.0), (false, 60.0, 500.0, 1_000.0), (false, 300.0, nil, 600.0),
            (false, nil, 5_000.0, 10_000.0), (false, nil, nil, 21_600.0),
            // Quick rounds have a minute, and who must come ten, however long a round takes.
            (false, nil, 2.0, 60.0), (true, 86_400.0, 5.0, 600.0), (true, nil, nil, 600.0),
        ] as [(Bool, Double?, Double?, Double)])
    func patienceFollowsTheRun(
        _ waitsForWorkers: Bool, _ deadline: Double?, _ roundTime: Double?, _ expected: Double
    ) {
        #expect(
            Patience.seconds(waitsForWorkers: waitsForWorkers, deadline: deadline, roundTime: roundTime) == expected)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var published = true
        var deadline: String?
        var waitsForWorkers = false
        /// Unit: seconds.
        let waited: Int64
        let isStuck: Bool
    }

    @Test(
        "page, API and metrics say the same",
        arguments: [
            // The median of 2.5 and 40 s is 40 s.
            Case(testDescription: "twice its rounds are not over", waited: 70, isStuck: false),
            Case(testDescription: "twice its rounds are over", waited: 100, isStuck: true),
            Case(testDescription: "a first round", published: false, waited: 7_200, isStuck: false),
            Case(testDescription: "an endless first round", published: false, waited: 30_000, isStuck: true),
            Case(
                testDescription: "a first round before its deadline", published: false, deadline: "2h", waited: 7_200,
                isStuck: false),
            Case(
                testDescription: "a first round long after it", published: false, deadline: "10m", waited: 1_300,
                isStuck: true),
            Case(
                testDescription: "workers that do not come", published: false, waitsForWorkers: true, waited: 700,
                isStuck: true),
        ])
    func everywhere(_ given: Case) async throws {
        var text = "model: m\nfederation:\n  workers: 9\n  rounds: 3\n"
        if let deadline = given.deadline { text += "  deadline: \(deadline)\n" }
        let configuration = try RunConfiguration(yaml: text)
        let run = try MadeUpRun(configuration: configuration.canonicalJSON, isPublished: given.published)
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        var fleet = run.fleet()
        fleet.standing.waitingSince = Int64(Date().timeIntervalSince1970) - given.waited
        fleet.standing.waitsForWorkers = given.waitsForWorkers
        client.monitor.board.post(fleet)
        #expect(try await client.decode(RunAnswer.self, "api/v1/run").isStuck == given.isStuck)
        let metrics = try await client.ask("metrics").body
        #expect(metrics.contains("\nshoal_run_stuck \(given.isStuck ? 1 : 0)\n"))
        await client.stop()
    }
}
