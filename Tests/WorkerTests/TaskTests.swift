import Federation
import Foundation
import ModelFiles
import Recipe
import Testing
import Wire
import Worker

@Suite("A worker's tasks")
struct TaskTests {
    let bench = WorkerBench()

    @Test func theOfferReachesTheTrainerWithEverythingInIt() throws {
        try bench.start()
        bench.openSession()
        bench.receive(.offer(bench.offer()), round: 4, attempt: 1)
        let sent = bench.sent()
        #expect(sent.map(\.envelope.message.kind) == ["Accept", "ObjectRequest"])
        // The connection belongs to one run, so its name does not travel again.
        #expect(sent.allSatisfy { $0.envelope.run.isEmpty && $0.envelope.round == 4 })
        bench.serve([bench.adapter], sent)
        let task = try #require(bench.runner.started.first)
        #expect(task.kind == .train && task.lease == 7 && task.round == 4 && task.attempt == 1 && task.seed == 99)
        #expect(task.worker == WorkerBench.name && task.run == WorkerBench.run && task.modelPath == "/models/base")
        #expect(task.layout == bench.layout && task.values == bench.global)
        #expect(task.training.localSteps == 3 && task.adapterOptions.rank == 2)
    }

    @Test func theSameOfferIsAcceptedAgainWithoutStartingAgain() throws {
        try bench.start()
        bench.beginTask()
        bench.forgetSent()
        bench.receive(.offer(bench.offer()), round: 4, attempt: 1)
        #expect(bench.kinds() == ["Accept"])
        #expect(bench.runner.started.count == 1)
    }

    @Test func anotherOfferReplacesTheTaskAndReusesTheAdapter() throws {
        try bench.start()
        bench.beginTask()
        bench.forgetSent()
        bench.receive(.offer(bench.offer(lease: 8)), round: 5, attempt: 1)
        #expect(bench.runner.cancelled == [7])
        #expect(bench.kinds() == ["Accept"])
        #expect(bench.runner.started.map(\.lease) == [7, 8])
        // What the first task still says is not heard.
        bench.runner.report(.failed(reason: "late"), asTask: 0)
        bench.tick()
        #expect(bench.kinds() == [])
    }

    @Test func aTaskThatWaitsForItsMachineSaysSoAndKeepsItsLease() throws {
        try bench.start()
        bench.beginTask()
        bench.forgetSent()
        func beats() -> [Heartbeat] {
            bench.sent().compactMap { if case .heartbeat(let beat) = $0.envelope.message { beat } else { nil } }
        }
        bench.runner.report(.waitsForSlot)
        bench.tick()
        // At once, and the lease is named in it and in all that follow.
        #expect(beats().map(\.waitsForSlot) == [true])
        #expect(bench.events.last == .waitingForSlot(round: 4))
        for _ in 0..<20 {
            bench.advance(WorkerBench.heartbeatSeconds)
            bench.receive(.heartbeat(Heartbeat(phase: .idle)))
        }
        let waiting = beats()
        #expect(waiting.count == 20)
        #expect(waiting.allSatisfy { $0.waitsForSlot && $0.lease == 7 && $0.phase == .training && $0.step == 0 })
        bench.runner.report(.tookSlot)
        bench.tick()
        #expect(beats().map(\.waitsForSlot) == [false])
        // The wait ends with the lease.
        bench.runner.report(.waitsForSlot)
        bench.tick()
        bench.receive(.cancel(Cancel(lease: 7, reason: "the round closed")))
        #expect(bench.runner.cancelled == [7])
    }

    @Test func aWithdrawnLeaseStopsTheTrainer() throws {
        try bench.start()
        bench.beginTask()
        bench.receive(.cancel(Cancel(lease: 7, reason: "the round closed")))
        #expect(bench.runner.cancelled == [7])
        #expect(bench.events.last == .taskDropped(round: 4, reason: "the round closed"))
        bench.forgetSent()
        bench.finishTraining()
        #expect(bench.kinds() == [])
        #expect(bench.pendingFiles == [])
    }

    @Test func aFailedTaskIsDeclinedAndDeclinedAgainWhenOfferedAgain() throws {
        try bench.start()
        bench.beginTask()
        bench.runner.report(.failed(reason: "no text"))
        bench.tick()
        #expect(bench.sent().last?.envelope.message == .decline(Decline(lease: 7, reason: "no text")))
        bench.receive(.offer(bench.offer()), round: 4, attempt: 1)
        #expect(bench.sent().last?.envelope.message == .decline(Decline(lease: 7, reason: "no text")))
        #expect(bench.runner.started.count == 1)
    }

    @Test func aLeaseThatEndedIsDroppedButNotForAnEarlierTasksHeartbeat() throws {
        try bench.start()
        bench.beginTask()
        bench.advance(WorkerBench.heartbeatSeconds)
        let first = try #require(bench.sent().first("Heartbeat"))
        bench.receive(.offer(bench.offer(lease: 8)), round: 5, attempt: 1)
        bench.receive(.refused(Refused(code: .unknownLease, reason: "ended")), answering: first.id)
        #expect(bench.runner.cancelled == [7])
        bench.advance(WorkerBench.heartbeatSeconds)
        let second = try #require(bench.sent().first("Heartbeat"))
        bench.receive(.refused(Refused(code: .unknownLease, reason: "ended")), answering: second.id)
        #expect(bench.runner.cancelled == [7, 8])
    }

    @Test func divergedTrainingIsDeclined() throws {
        try bench.start()
        bench.beginTask()
        bench.forgetSent()
        bench.runner.report(
            .trained(
                values: [Float](repeating: .nan, count: 16), trainingItems: 1, steps: 1, tokens: 1, meanLoss: 1))
        bench.tick()
        #expect(bench.kinds() == ["Decline"])
        #expect(bench.pendingFiles == [])
    }

    @Test func anUnknownCodecIsDeclined() throws {
        try bench.start()
        bench.openSession()
        bench.receive(.offer(bench.offer(uplink: CodecName(name: "telepathy"))), round: 4, attempt: 1)
        #expect(bench.kinds() == ["Decline"])
    }

    @Test func anotherBaseModelThanTheSessionsIsDeclined() throws {
        try bench.start()
        bench.openSession()
        bench.receive(.offer(bench.offer(baseModel: ContentHash(of: [1]))), round: 4, attempt: 1)
        #expect(bench.kinds() == ["Decline"])
    }

    @Test func anEvaluationIsReportedUntilItIsAnswered() throws {
        try bench.start()
        bench.beginTask(bench.offer(task: .evaluate))
        #expect(bench.runner.started.first?.kind == .evaluate)
        bench.forgetSent()
        bench.runner.report(.evaluated(items: 4, lossSum: 10, squaredLossSum: 30))
        bench.tick()
        var ids: [UInt64] = []
        for _ in 0..<3 {
            let report = try #require(bench.sent().first("Report"))
            #expect(
                report.message == .report(Report(lease: 7, items: 4, lossSum: 10, squaredLossSum: 30)))
            #expect(report.round == 4)
            ids.append(report.id)
            bench.receive(.heartbeat(Heartbeat(phase: .idle)))
            bench.advance(9.9)
        }
        #expect(Set(ids).count == 1)
        bench.receive(.updateAck(UpdateAck(lease: 7, state: .committed)), answering: ids[0])
        #expect(bench.events.last == .evaluated(round: 4, items: 4, meanLoss: 2.5))
        bench.forgetSent()
        bench.advance(9.9)
        #expect(bench.sent().first("Report") == nil)
    }
}
