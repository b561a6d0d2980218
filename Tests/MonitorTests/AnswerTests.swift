import Coordinator
import Federation
import Foundation
import Monitor
import Testing
import WebClient
import Wire

@Suite("The monitor's JSON API")
struct AnswerTests {
    @Test func theRunAndItsRounds() async throws {
        let run = try MadeUpRun()
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        client.monitor.board.post(run.fleet())
        let answer = try await client.decode(RunAnswer.self, "api/v1/run")
        #expect(answer.run == "0000000000000001" && answer.state == "running" && answer.software == "0.1.0")
        #expect(answer.publishedRounds == 2 && answer.baseLoss == 5 && answer.loss == 1.5 && answer.lossRound == 2)
        #expect(answer.trainLoss == 3 && answer.updates == 3 && answer.tokensTrained == 50)
        #expect(answer.uplinkBytes == 1_000 && answer.downlinkBytes == 2_000)
        #expect(answer.denseUplinkBytes == 1_000 && answer.roundsUplinkBytes == 250)
        #expect(answer.workersConnected == 2 && answer.workersEnrolled == 3)
        #expect(answer.phases == ["training": 1, "idle": 1])
        #expect(answer.waitingFor == "round 3 has 0 of 2 updates and waits for c")
        #expect(answer.waitingSince == "1970-01-01T00:16:30Z")
        // Since 1970: longer than any round took.
        #expect(answer.isStuck && answer.lateCount == 1 && answer.late.map(\.worker) == ["c"])
        #expect(answer.refusedMessages == ["malformed": 3] && answer.declinedOffers == 4)
        #expect(!answer.participationIsSecret)

        let rounds = try await client.decode(RoundsAnswer.self, "api/v1/rounds")
        #expect(rounds.baseLoss == 5 && rounds.rounds.map(\.round) == [1, 2])
        // (1 · 4 + 3 · 2) / 4
        #expect(rounds.rounds.map(\.trainLoss) == [2.5, 3])
        #expect(rounds.rounds.map(\.loss) == [nil, 1.5] && rounds.rounds[1].lossStandardError == 0.25)
        #expect(rounds.rounds.map(\.worstDecileLoss) == [nil, 2.25] && rounds.baseWorstDecileLoss == 6)
        #expect(answer.worstDecileLoss == 2.25)
        #expect(rounds.rounds.map(\.uplinkBytes) == [100, 250] && rounds.rounds.map(\.workers) == [2, 1])
        let later = try await client.decode(RoundsAnswer.self, "api/v1/rounds?after=1&limit=5")
        #expect(later.rounds.map(\.round) == [2] && later.publishedRounds == 2)
        #expect(try await client.decode(RoundsAnswer.self, "api/v1/rounds?limit=1").rounds.map(\.round) == [1])
        await client.stop()
    }

    @Test func theFleetIsSearchedSortedAndCutIntoPages() async throws {
        let run = try MadeUpRun()
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        client.monitor.board.post(run.fleet())
        let all = try await client.decode(WorkersAnswer.self, "api/v1/workers")
        #expect(all.total == 3 && all.matching == 3 && all.workers.map(\.worker) == ["a", "b", "c"])
        let first = all.workers[0]
        #expect(first.isConnected && first.phase == "training" && first.step == 3 && first.totalSteps == 10)
        #expect(first.cores == 4 && first.memoryBytes == 8 << 30 && first.rank == 8 && first.software == "0.1.0")
        #expect(first.updates == 2 && first.tokens == 20 && first.trainLoss == 3 && first.failures == 0)
        let last = all.workers[2]
        #expect(!last.isConnected && last.phase == nil && last.late == "is not connected" && last.failures == 1)
        #expect(last.lastSeen == nil)
        #expect(all.workers.map(\.heldOutLoss) == [1.25, 6, 2.25])
        #expect(all.workers.map(\.firstHeldOutLoss) == [4.5, 6, 2.25])

        let pages = [
            "search=B": ["b"], "state=connected": ["a", "b"], "state=away": ["c"], "state=late": ["c"],
            "state=revoked": [], "offset=1&limit=1": ["b"], "offset=9": [], "limit=0": [],
            "sort=updates&order=descending": ["a", "b", "c"], "sort=updates": ["c", "b", "a"],
            "sort=heldOutLoss&order=descending": ["b", "c", "a"],
            "sort=memory": ["b", "a", "c"], "sort=memory&order=descending": ["a", "b", "c"],
            "sort=worker&order=descending": ["c", "b", "a"], "search=%3Cscript%3E": [],
        ]
        for (query, names) in pages {
            let page = try await client.decode(WorkersAnswer.self, "api/v1/workers?\(query)")
            #expect(page.workers.map(\.worker) == names, "\(query)")
            #expect(page.total == 3)
        }
        for query in ["sort=cores", "order=up", "state=dead", "limit=-1", "offset=x"] {
            let answer = try await client.ask("api/v1/workers?\(query)")
            #expect(answer.status == 400 && answer.body.contains("\"error\""), "\(query)")
        }
        await client.stop()
    }

    @Test func energyIsToldWithWhetherItWasMeasured() async throws {
        let run = try MadeUpRun()
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        try run.ledger.select(Array(run.names.prefix(2)), round: 3, attempt: 1)
        let costs = [TaskCost(seconds: 2, joules: 30, isMeasured: true), TaskCost(seconds: 3, joules: 50)]
        let updates = zip(run.names, costs).map { name, cost in
            var update = run.update(name, items: 1, loss: 2)
            update.cost = cost
            return update
        }
        try run.ledger.record(updates, round: 3, attempt: 1, counters: RunCounters(uplinkBytes: 300, downlinkBytes: 9))
        try run.publish(3, uplink: 300, seconds: 5)
        let rounds = try await client.decode(RoundsAnswer.self, "api/v1/rounds").rounds
        #expect(rounds.map(\.energyJoules) == [nil, nil, 80] && rounds.map(\.energyIsMeasured) == [nil, nil, false])
        let workers = try await client.decode(WorkersAnswer.self, "api/v1/workers?sort=energy&order=descending").workers
        #expect(workers.map(\.worker) == ["b", "a", "c"])
        #expect(workers.map(\.energyJoules) == [50, 30, nil])
        #expect(workers.map(\.energyIsMeasured) == [false, true, nil])
        let answer = try await client.decode(RunAnswer.self, "api/v1/run")
        #expect(answer.energyJoules == 80 && answer.energyIsMeasured == false)
        let metrics = try await client.ask("metrics").body
        #expect(metrics.contains("\nshoal_energy_joules_total 80\n") && metrics.contains("\nshoal_energy_measured 0\n"))
        await client.stop()
    }

    @Test func tokensThatOwnersWithholdAreAbsent() async throws {
        let run = try MadeUpRun(isPublished: false)
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        try run.ledger.select(Array(run.names.prefix(2)), round: 1, attempt: 1)
        var update = run.update(run.names[0], items: 3, loss: 2)
        update.tokens = nil
        try run.ledger.record([update], round: 1, attempt: 1, counters: RunCounters(uplinkBytes: 3, downlinkBytes: 9))
        try run.publish(1, uplink: 3, seconds: 5)
        #expect(try await client.decode(RunAnswer.self, "api/v1/run").tokensTrained == nil)
        #expect(try await client.decode(RoundsAnswer.self, "api/v1/rounds").rounds.map(\.tokens) == [nil])
        let workers = try await client.decode(WorkersAnswer.self, "api/v1/workers?sort=tokens").workers
        // What is not known comes last; who gave no update withholds nothing.
        #expect(workers.map(\.worker) == ["b", "c", "a"] && workers.map(\.tokens) == [0, 0, nil])
        #expect(try await !client.ask("metrics").body.contains("shoal_tokens_trained_total"))
        await client.stop()
    }

    @Test func theRunsOfTheStateDirectory() async throws {
        let run = try MadeUpRun()
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        client.monitor.board.post(run.fleet())
        let alone = try await client.decode(RunsAnswer.self, "api/v1/runs").runs
        #expect(alone.map(\.run) == ["0000000000000001"])
        #expect(alone[0].isCurrent && alone[0].state == "running" && alone[0].publishedRounds == 2)
        #expect(alone[0].loss == 1.5 && alone[0].lossRound == 2 && alone[0].updates == 3)
        #expect(alone[0].began == "1970-01-01T00:16:40Z")
        await client.stop()

        try run.addArchivedRun(RunID(bits: 2))
        let later = try await MonitorClient()
        later.monitor.attach(run.ledger, state: run.folder)
        later.monitor.board.post(run.fleet())
        let both = try await later.decode(RunsAnswer.self, "api/v1/runs").runs
        #expect(both.map(\.run) == ["0000000000000001", "0000000000000002"])
        #expect(both.map(\.isCurrent) == [true, false] && both[1].state == "finished")
        #expect(both[1].began == "1970-01-01T00:08:20Z" && both[1].published == nil && both[1].updates == 0)
        await later.stop()
    }

    @Test func secretParticipationIsInNoAnswer() async throws {
        let run = try MadeUpRun()
        try run.makeParticipationSecret()
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        client.monitor.board.post(run.fleet(isSecret: true))
        let answer = try await client.decode(RunAnswer.self, "api/v1/run")
        #expect(answer.participationIsSecret && answer.loss == 1.5 && answer.workersConnected == 2)
        let words = [
            "updates", "tokensTrained", "uplinkBytes", "downlinkBytes", "denseUplinkBytes", "phases", "trainLoss",
            "worstDecileLoss",
        ]
        let body = try await client.ask("api/v1/run").body
        for word in words { #expect(!body.contains("\"\(word)\""), "\(word)") }
        #expect(answer.late.isEmpty && answer.lateCount == 0)

        let workers = try await client.decode(WorkersAnswer.self, "api/v1/workers")
        #expect(workers.participationIsSecret && workers.workers.map(\.worker) == ["a", "b", "c"])
        for worker in workers.workers {
            #expect(worker.phase == nil && worker.step == nil && worker.lastSeen == nil && worker.updates == nil)
            #expect(worker.tokens == nil && worker.failures == nil && worker.late == nil && worker.trainLoss == nil)
            #expect(worker.heldOutLoss == nil && worker.firstHeldOutLoss == nil)
        }
        #expect(workers.workers[0].cores == 4)

        let rounds = try await client.decode(RoundsAnswer.self, "api/v1/rounds")
        #expect(rounds.participationIsSecret && rounds.rounds.map(\.loss) == [nil, 1.5])
        #expect(rounds.baseWorstDecileLoss == nil && rounds.rounds.allSatisfy { $0.worstDecileLoss == nil })
        #expect(rounds.rounds.allSatisfy { $0.workers == nil && $0.tokens == nil && $0.uplinkBytes == nil })
        let privacy = try await client.decode(PrivacyAnswer.self, "api/v1/privacy")
        #expect(privacy.mechanism == "central" && privacy.epsilon == 8 && privacy.epsilonSpent == 0)
        #expect((privacy.stepsLeft ?? 0) > 0)
        await client.stop()
    }

    @Test func eventsOfLedgerAndMemoryStandInOrder() async throws {
        let run = try MadeUpRun()
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        try run.ledger.ask(for: .pause)
        client.monitor.notices.note(.workerLost(run.names[1]))
        client.monitor.notices.note(
            .workerDeclined(round: 3, worker: run.names[0], reason: "<img src=x onerror=alert(1)>"))
        client.monitor.notices.note(
            .refused(.worker(run.names[0]), kind: "unknown-lease", reason: "this lease has ended", count: 1))
        let events = try await client.decode(EventsAnswer.self, "api/v1/events").events
        #expect(events.map(\.kind) == ["paused", "lost", "declined"])
        #expect(events.map(\.worker) == [nil, "b", "a"])
        #expect(events[2].detail == "gives no update for round 3: <img src=x onerror=alert(1)>")
        #expect(try await client.decode(EventsAnswer.self, "api/v1/events?limit=1").events.map(\.kind) == ["declined"])
        #expect(try await client.decode(PrivacyAnswer.self, "api/v1/privacy").mechanism == "none")
        await client.stop()
    }

    @Test func aFleetThatComesIsOneEvent() async throws {
        let run = try MadeUpRun()
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        for name in run.names { client.monitor.notices.note(.workerConnected(name)) }
        client.monitor.notices.note(.workerLost(run.names[0]))
        let events = try await client.decode(EventsAnswer.self, "api/v1/events").events
        #expect(events.map(\.kind) == ["connected", "lost"])
        #expect(events.map(\.detail)[0] == "3 workers connected, c the last" && events[1].worker == "a")
        await client.stop()
    }
}
