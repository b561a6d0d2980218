import Federation
import Foundation
import ModelFiles
import Testing
import Wire
import Worker

@Suite("A worker that says much in few bytes")
struct FrugalUplinkTests {
    let bench = WorkerBench()

    /// In a session with a coordinator that takes it, an offer was made.
    private func takeOffer(chunkBytes: Int = 64) throws -> Envelope {
        try bench.start(chunkBytes: chunkBytes)
        bench.openSession(features: [Feature.frugalUplink])
        bench.receive(.offer(bench.offer()), round: 4, attempt: 1)
        return try #require(bench.sent().first("Accept"))
    }

    private func serveAdapter(answering id: UInt64) {
        bench.receive(
            .objectChunk(
                ObjectChunk(
                    object: ContentHash(of: bench.adapter), offset: 0, totalBytes: UInt64(bench.adapter.count))),
            answering: id, payload: bench.adapter)
    }

    private func acknowledge(_ state: UpdateAck.State, answering id: UInt64) {
        bench.receive(.updateAck(UpdateAck(lease: 7, state: state)), answering: id, round: 4, attempt: 1)
    }

    @Test func takingAnOfferAsksForItsAdapterToo() throws {
        let accept = try takeOffer()
        guard case .accept(let content) = accept.message else { return }
        #expect(content.lease == 7 && content.adapterCredit >= UInt32(bench.adapter.count))
        serveAdapter(answering: accept.id)
        #expect(bench.runner.started.count == 1)
        #expect(bench.kinds() == [])
        // What is here is not asked for again.
        bench.receive(.offer(bench.offer(lease: 8)), round: 5, attempt: 1)
        #expect(bench.sent().map(\.envelope.message) == [.accept(Accept(lease: 8))])
    }

    @Test func anOfferMadeAgainIsTakenWithTheSameCreditUntilTheAdapterComes() throws {
        let accept = try takeOffer()
        bench.receive(.offer(bench.offer()), round: 4, attempt: 1)
        #expect(bench.sent().map(\.envelope.message) == [accept.message])
        serveAdapter(answering: accept.id)
        bench.receive(.offer(bench.offer()), round: 4, attempt: 1)
        #expect(bench.sent().map(\.envelope.message) == [.accept(Accept(lease: 7))])
        #expect(bench.runner.started.count == 1)
    }

    @Test func anAdapterThatDoesNotComeIsAskedForByItself() throws {
        _ = try takeOffer()
        bench.receive(.heartbeat(Heartbeat(phase: .idle)))
        bench.advance(9.9)
        #expect(bench.sent().contains { $0.envelope.message.kind == "ObjectRequest" })
    }

    private func trainedUpdate(chunkBytes: Int = 64) throws -> [RecordingLink.Sent] {
        serveAdapter(answering: try takeOffer(chunkBytes: chunkBytes).id)
        bench.finishTraining()
        return bench.sent()
    }

    @Test func anUpdateOfOneChunkTravelsInOneMessage() throws {
        let sent = try trainedUpdate()
        let whole = try #require(sent.last)
        #expect(sent.count == 1 && whole.envelope.round == 4 && whole.envelope.attempt == 1)
        let bytes = try #require(whole.payload)
        #expect(try DenseCodec().decode(bytes, count: 16) == bench.delta)
        #expect(
            whole.envelope.message
                == .updateWhole(
                    UpdateCommit(
                        lease: 7, object: ContentHash(of: bytes), trainingItems: 11, steps: 3, tokensTrained: 192,
                        trainLoss: 1.25)))
        acknowledge(.committed, answering: whole.envelope.id)
        #expect(bench.pendingFiles == [])
        #expect(bench.events.last == .updateAccepted(round: 4))
    }

    @Test func aLargerUpdateIsAnnounced() throws {
        #expect(try trainedUpdate(chunkBytes: 63).map(\.envelope.message.kind) == ["UpdateBegin"])
    }

    @Test func withoutAnAnswerTheCoordinatorIsAskedBeforeTheBytesGoAgain() throws {
        _ = try trainedUpdate()
        bench.receive(.heartbeat(Heartbeat(phase: .idle)))
        bench.advance(9.9)
        let begin = try #require(bench.sent().first("UpdateBegin"))
        acknowledge(.receivedThrough(0), answering: begin.id)
        #expect(bench.kinds() == ["UpdateChunk"])
    }

    @Test func aReconnectAsksToo() throws {
        _ = try trainedUpdate()
        bench.connection(.disconnected(reason: "cable"))
        bench.openSession(features: [Feature.frugalUplink])
        bench.tick()
        bench.advance(1.1)
        #expect(bench.sent().first("UpdateWhole") == nil)
    }

    @Test func bytesThatDidNotHashToTheirNameGoTheLongWay() throws {
        let whole = try #require(try trainedUpdate().last)
        acknowledge(.receivedThrough(0), answering: whole.envelope.id)
        let chunk = try #require(bench.sent().first)
        #expect(chunk.envelope.message == .updateChunk(UpdateChunk(lease: 7, offset: 0)))
        #expect(chunk.payload == whole.payload)
    }

    @Test func withoutATaskHeartbeatsAreRare() throws {
        try bench.start()
        bench.openSession()
        var beats = 0
        for _ in 0..<40 {
            bench.advance(WorkerBench.heartbeatSeconds)
            let sent = bench.sent()
            beats += sent.heartbeats.count
            for _ in sent.heartbeats { bench.receive(.heartbeat(Heartbeat(phase: .idle))) }
        }
        #expect(beats == 10)
        #expect(bench.kinds() == [])
        // A task needs them more often, from now on.
        bench.receive(.offer(bench.offer()), round: 4, attempt: 1)
        bench.forgetSent()
        bench.advance(WorkerBench.heartbeatSeconds)
        #expect(bench.sent().heartbeats.count == 1)
    }
}
