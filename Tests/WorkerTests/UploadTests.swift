import Federation
import Foundation
import ModelFiles
import Testing
import Wire
import Worker

@Suite("A worker's update on its way")
struct UploadTests {
    let bench = WorkerBench()

    /// What `dense` is by its definition: float32, little-endian.
    var encoded: [UInt8] {
        bench.delta.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } }
    }

    func acknowledge(_ state: UpdateAck.State, answering id: UInt64) {
        bench.receive(.updateAck(UpdateAck(lease: 7, state: state)), answering: id, round: 4, attempt: 1)
    }

    /// Trains and announces the update.
    func announce() throws -> Envelope {
        try bench.start()
        bench.beginTask()
        bench.finishTraining()
        return try #require(bench.sent().first("UpdateBegin"))
    }

    @Test func theDifferenceToTheGlobalAdapterArrivesExactly() throws {
        let begin = try announce()
        #expect(
            begin.message
                == .updateBegin(
                    UpdateBegin(lease: 7, object: ContentHash(of: encoded), totalBytes: 64, codec: .dense)))
        #expect(begin.round == 4 && begin.attempt == 1 && begin.run == "")
        acknowledge(.receivedThrough(0), answering: begin.id)
        var received: [UInt8] = []
        while received.count < 64 {
            let chunks = bench.sent()
            #expect(!chunks.isEmpty)
            if chunks.isEmpty { return }
            for chunk in chunks {
                guard case .updateChunk(let part) = chunk.envelope.message else {
                    Issue.record("\(chunk.envelope.message.kind) between chunks")
                    return
                }
                #expect(part.offset == UInt64(received.count))
                received += chunk.payload ?? []
                acknowledge(.receivedThrough(UInt64(received.count)), answering: chunk.envelope.id)
            }
        }
        #expect(received == encoded)
        let commit = try #require(bench.sent().first("UpdateCommit"))
        #expect(
            commit.message
                == .updateCommit(
                    UpdateCommit(
                        lease: 7, object: ContentHash(of: encoded), trainingItems: 11, steps: 3, tokensTrained: 192,
                        trainLoss: 1.25)))
        #expect(bench.pendingFiles == ["update.bin", "update.json"])
        acknowledge(.committed, answering: commit.id)
        #expect(bench.pendingFiles == [])
        #expect(bench.events.last == .updateAccepted(round: 4))
        bench.advance(WorkerBench.heartbeatSeconds)
        #expect(bench.sent().heartbeats.last?.phase == .idle)
    }

    @Test func theUpdateIsOnDiskForItsOwnerAloneBeforeItLeaves() throws {
        _ = try announce()
        for name in ["update.bin", "update.json"] {
            let path = bench.folder + "/pending/" + name
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: bench.folder + "/pending/update.bin")) == Data(encoded))
    }

    @Test func atMostEightChunksAreUnanswered() throws {
        let begin = try announce()
        acknowledge(.receivedThrough(0), answering: begin.id)
        #expect(bench.sent().count == 8)
        acknowledge(.receivedThrough(8), answering: 0)
        #expect(bench.kinds() == ["UpdateChunk", "UpdateChunk"])
    }

    @Test func aLostBeginIsSaidAgainWithTheSameId() throws {
        let begin = try announce()
        bench.advance(1.1)
        #expect(bench.sent().first("UpdateBegin") == begin)
    }

    @Test func lostChunksAreAskedAboutAndSentAgainFromWhereTheCoordinatorIs() throws {
        let begin = try announce()
        acknowledge(.receivedThrough(0), answering: begin.id)
        acknowledge(.receivedThrough(12), answering: 0)
        bench.forgetSent()
        for _ in 0..<5 {
            bench.advance(2)
            bench.receive(.heartbeat(Heartbeat(phase: .idle)))
        }
        let again = try #require(bench.sent().first("UpdateBegin"))
        #expect(again.id != begin.id)
        // A late answer to an old chunk does not say where to go on; the answer to this question does.
        acknowledge(.receivedThrough(8), answering: begin.id)
        #expect(bench.kinds() == [])
        acknowledge(.receivedThrough(12), answering: again.id)
        let chunks = bench.sent()
        #expect(chunks.first?.envelope.message == .updateChunk(UpdateChunk(lease: 7, offset: 12)))
        #expect(chunks.count == 8)
    }

    @Test func aLostAnswerToTheCommitIsAskedForAgain() throws {
        let begin = try announce()
        acknowledge(.receivedThrough(64), answering: begin.id)
        let commit = try #require(bench.sent().first("UpdateCommit"))
        bench.advance(1.1)
        #expect(bench.sent().first("UpdateCommit") == commit)
    }

    @Test func aCommitAnsweredWithAnOffsetGoesOnFromThere() throws {
        let begin = try announce()
        acknowledge(.receivedThrough(64), answering: begin.id)
        let commit = try #require(bench.sent().first("UpdateCommit"))
        acknowledge(.receivedThrough(60), answering: commit.id)
        #expect(bench.sent().map(\.payload) == [Array(encoded[60...])])
    }

    @Test func aReconnectInMidUploadResumesAtTheCoordinatorsOffset() throws {
        let begin = try announce()
        acknowledge(.receivedThrough(0), answering: begin.id)
        bench.forgetSent()
        bench.connection(.disconnected(reason: "cable"))
        bench.advance(30)
        #expect(bench.kinds() == [])
        bench.connection(.connected)
        bench.receive(.welcome(bench.welcome()))
        let again = try #require(bench.sent().first("UpdateBegin"))
        acknowledge(.receivedThrough(40), answering: again.id)
        #expect(bench.sent().first?.payload == Array(encoded[40..<44]))
        #expect(bench.runner.started.count == 1)
    }

    @Test func aRestartedWorkerSendsTheFinishedUpdateInsteadOfTrainingAgain() throws {
        let begin = try announce()
        try bench.start()
        bench.openSession()
        #expect(bench.kinds() == [])
        bench.receive(.offer(bench.offer()), round: 4, attempt: 1)
        let sent = bench.sent()
        #expect(sent.map(\.envelope.message.kind) == ["Accept", "UpdateBegin"])
        #expect(sent.last?.envelope.message == begin.message)
        #expect(bench.runner.started.count == 1)
        acknowledge(.receivedThrough(64), answering: try #require(sent.last?.envelope.id))
        let commit = try #require(bench.sent().first("UpdateCommit"))
        guard case .updateCommit(let content) = commit.message else { return }
        #expect(content.trainingItems == 11 && content.tokensTrained == 192 && content.trainLoss == 1.25)
    }

    /// Noise that follows from the update would be other noise with other batches, and the budget pays for one update.
    @Test(
        "a noisy update whose upload was withdrawn is sent again as it is, after a restart too",
        arguments: [false, true], [false, true])
    func noisyUpdateStays(isRestarted: Bool, isRejected: Bool) throws {
        try bench.start()
        var offer = bench.offer()
        offer.privacy = UpdatePrivacy(clip: 1, noiseDeviation: 1, withholdsMetrics: true)
        bench.beginTask(offer)
        bench.finishTraining()
        let begin = try #require(bench.sent().first("UpdateBegin"))
        if isRejected {
            acknowledge(.rejected(reason: "the lease has ended"), answering: begin.id)
        } else {
            bench.receive(.cancel(Cancel(lease: 7, reason: "no sign of life")))
        }
        // An evaluation in between changes nothing.
        bench.receive(.offer(bench.offer(lease: 9, task: .evaluate)), round: 4, attempt: 0)
        bench.receive(.cancel(Cancel(lease: 9, reason: "over")))
        let evaluations = bench.runner.started.count - 1
        if isRestarted {
            try bench.start()
            bench.openSession()
        }
        bench.forgetSent()
        bench.receive(.offer(offer), round: 4, attempt: 1)
        #expect(bench.sent().first("UpdateBegin")?.message == begin.message)
        #expect(bench.runner.started.count == 1 + evaluations)
        // The next attempt's offer is another one's.
        bench.receive(.cancel(Cancel(lease: 7, reason: "no sign of life")))
        bench.receive(.offer(bench.offer(lease: 8)), round: 4, attempt: 2)
        #expect(bench.pendingFiles == [])
    }

    @Test func aFinishedUpdateOfAnotherLeaseIsForgotten() throws {
        _ = try announce()
        try bench.start()
        bench.openSession()
        bench.receive(.offer(bench.offer(lease: 8)), round: 5, attempt: 1)
        #expect(bench.kinds() == ["Accept", "ObjectRequest"])
        #expect(bench.pendingFiles == [])
    }

    @Test func aDamagedPendingUpdateIsTrainedAgain() throws {
        _ = try announce()
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: bench.folder + "/pending/update.bin"))
        try bench.start()
        bench.openSession()
        bench.receive(.offer(bench.offer()), round: 4, attempt: 1)
        #expect(bench.kinds() == ["Accept", "ObjectRequest"])
    }

    @Test func aRejectedUpdateIsForgottenWithItsReason() throws {
        let begin = try announce()
        acknowledge(.rejected(reason: "the round is closed"), answering: begin.id)
        #expect(bench.events.last == .updateRejected(round: 4, reason: "the round is closed"))
        #expect(bench.pendingFiles == [])
        bench.advance(11)
        #expect(bench.sent().first("UpdateBegin") == nil)
    }
}
