import Federation
import Foundation
import ModelFiles
import Testing
import Wire
import Worker

/// `ternary:density=0.1` keeps 2 of the bench's 16 values, so each update leaves a residual that can be computed by hand.
@Suite("A worker's residual")
struct ResidualTests {
    let bench = WorkerBench()
    static let codec = CodecName(name: "ternary", parameters: ["density": "0.1"])

    /// Ternary draws nothing at random: the seed does not matter.
    private func decode(_ bytes: [UInt8]) throws -> [Float] {
        try Codecs.make(Self.codec).decode(bytes, count: 16, seed: 0)
    }

    /// Takes a task to its trained update and returns the bytes that the worker would send.
    private func train(
        lease: UInt64, round: UInt32, attempt: UInt32 = 1, errorFeedback: Bool = true, decay: Double = 1,
        rolledBack: [RoundAttempt] = [],
        fateOfBefore: (lease: UInt64, round: UInt32, state: UpdateAck.State)? = nil
    ) throws -> [UInt8] {
        var offer = bench.offer(lease: lease, uplink: Self.codec)
        offer.errorFeedback = errorFeedback
        offer.residualDecay = decay
        offer.rolledBack = rolledBack
        bench.receive(.offer(offer), round: round, attempt: attempt)
        if let before = fateOfBefore { answer(before.state, lease: before.lease, round: before.round) }
        bench.serveAll([bench.adapter])
        bench.finishTraining()
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: bench.folder + "/pending/update.bin")))
    }

    private func answer(
        _ state: UpdateAck.State, lease: UInt64, round: UInt32, attempt: UInt32 = 1, countsIn: Int? = nil
    ) {
        bench.receive(
            .updateAck(UpdateAck(lease: lease, state: state, countsIn: countsIn)), round: round, attempt: attempt)
    }

    private var dropReasons: [String] {
        bench.events.compactMap { if case .residualDropped(let reason) = $0 { reason } else { nil } }
    }

    private func begin() throws {
        try bench.start()
        bench.openSession()
    }

    /// What `updates` carry in all if each is the bench's delta and nothing is lost.
    private func remainder(of updates: [[UInt8]], rounds: Int) throws -> [Float] {
        var left = bench.delta.map { $0 * Float(rounds) }
        for bytes in updates {
            for (index, value) in try decode(bytes).enumerated() { left[index] -= value }
        }
        return left
    }

    /// The next update is what error feedback makes of that residual.
    private func expectCarried(_ residual: [Float], by bytes: [UInt8]) throws {
        let carried = zip(residual, bench.delta).map { $0 + $1 }
        #expect(bytes == (try Codecs.make(Self.codec)).encode(carried, seed: 0))
    }

    @Test func whatACountedUpdateLeftOutIsAddedToTheNext() throws {
        try begin()
        let first = try train(lease: 1, round: 1)
        #expect(first == (try Codecs.make(Self.codec)).encode(bench.delta, seed: 0))
        answer(.committed, lease: 1, round: 1)
        let second = try train(lease: 2, round: 2)
        try expectCarried(try remainder(of: [first], rounds: 1), by: second)
        #expect(second != first)
        answer(.committed, lease: 2, round: 2)
        let third = try train(lease: 3, round: 5)
        try expectCarried(try remainder(of: [first, second], rounds: 2), by: third)
    }

    @Test func itLosesNothingAsLongAsNoRoundIsMissed() throws {
        try begin()
        var sent: [[UInt8]] = []
        for round in 1...6 {
            sent.append(try train(lease: UInt64(round), round: UInt32(round), decay: 0.5))
            answer(.committed, lease: UInt64(round), round: UInt32(round))
            // Residual and all that was sent are the sum of all updates, carried on by the next one.
            if round == 3 { try begin() }
        }
        let next = try train(lease: 7, round: 7, decay: 0.5)
        try expectCarried(try remainder(of: sent, rounds: 6), by: next)
    }

    @Test(arguments: [false, true])
    func itDecaysWithEveryRoundThatOthersPublished(isRestarted: Bool) throws {
        try begin()
        let first = try train(lease: 1, round: 1, decay: 0.5)
        answer(.committed, lease: 1, round: 1)
        if isRestarted { try begin() }
        // Rounds 2 and 3 went by.
        let second = try train(lease: 2, round: 4, decay: 0.5)
        let aged = try remainder(of: [first], rounds: 1).map { 0.25 * $0 }
        try expectCarried(aged, by: second)
        answer(.committed, lease: 2, round: 4)
        let third = try train(lease: 3, round: 5, decay: 0.5)
        let decoded = try decode(second)
        try expectCarried(aged.indices.map { aged[$0] + bench.delta[$0] - decoded[$0] }, by: third)
    }

    /// An asynchronous run: what round 1 asked for came when round 3 was open.
    @Test(arguments: [false, true])
    func itsAgeBeginsWithTheRoundThatItsUpdateCountedIn(isRestarted: Bool) throws {
        try begin()
        let first = try train(lease: 1, round: 1, decay: 0.5)
        answer(.committed, lease: 1, round: 1, countsIn: 3)
        if isRestarted { try begin() }
        let left = try remainder(of: [first], rounds: 1)
        // Round 3 has its update; 4 went by.
        let second = try train(lease: 2, round: 5, decay: 0.5)
        try expectCarried(left.map { 0.5 * $0 }, by: second)
    }

    @Test func anUpdateOfTheRoundThatIsStillOpenMissedNothing() throws {
        try begin()
        let first = try train(lease: 1, round: 1, decay: 0.5)
        answer(.committed, lease: 1, round: 1, countsIn: 4)
        try expectCarried(try remainder(of: [first], rounds: 1), by: try train(lease: 2, round: 4, decay: 0.5))
    }

    /// Its age goes on from the update that counted, not from the one that did not.
    @Test(arguments: [false, true])
    func anUpdateThatDoesNotCountMakesItNoYounger(isRolledBack: Bool) throws {
        try begin()
        let first = try train(lease: 1, round: 1, decay: 0.5)
        answer(.committed, lease: 1, round: 1)
        let left = try remainder(of: [first], rounds: 1)
        _ = try train(lease: 2, round: 3, decay: 0.5)
        var turnedBack: [RoundAttempt] = []
        if isRolledBack {
            answer(.committed, lease: 2, round: 3)
            turnedBack = [RoundAttempt(round: 3, attempt: 1)]
        } else {
            answer(.rejected(reason: "round 3 is closed"), lease: 2, round: 3)
        }
        let again = try train(lease: 3, round: 3, attempt: 2, decay: 0.5, rolledBack: turnedBack)
        try expectCarried(left.map { 0.5 * $0 }, by: again)
        answer(.rejected(reason: "round 3 is closed"), lease: 3, round: 3, attempt: 2)
        try begin()
        let later = try train(lease: 4, round: 4, decay: 0.5)
        try expectCarried(left.map { 0.25 * $0 }, by: later)
    }

    @Test func withoutErrorFeedbackEveryUpdateStandsAlone() throws {
        try begin()
        let first = try train(lease: 1, round: 1, errorFeedback: false)
        answer(.committed, lease: 1, round: 1)
        #expect(try train(lease: 2, round: 2, errorFeedback: false) == first)
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.folder + "/residual") == [])
    }

    @Test func anUnbiasedCodecLeavesNoResidual() throws {
        try begin()
        var offer = bench.offer(lease: 1, uplink: .dense)
        offer.errorFeedback = true
        bench.receive(.offer(offer), round: 1, attempt: 1)
        bench.serveAll([bench.adapter])
        bench.finishTraining()
        #expect(bench.pendingFiles == ["update.bin", "update.json"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.folder + "/residual") == [])
    }

    enum End: CaseIterable {
        case refused, withdrawn, transferRefused
    }

    @Test(arguments: End.allCases)
    func anUpdateThatDoesNotCountLeavesTheResidualAsItWas(_ end: End) throws {
        try begin()
        let first = try train(lease: 1, round: 1)
        answer(.committed, lease: 1, round: 1)
        bench.forgetSent()
        _ = try train(lease: 2, round: 2)
        switch end {
        case .refused: answer(.rejected(reason: "too large"), lease: 2, round: 2)
        case .withdrawn: bench.receive(.cancel(Cancel(lease: 2, reason: "no sign of life")))
        case .transferRefused:
            let begin = try #require(bench.sent().first("UpdateBegin"))
            bench.receive(.refused(Refused(code: .tooLarge, reason: "too large")), answering: begin.id)
        }
        #expect(bench.pendingFiles == [])
        let third = try train(lease: 3, round: 3, fateOfBefore: (2, 2, .rejected(reason: "round 2 is closed")))
        try expectCarried(try remainder(of: [first], rounds: 1), by: third)
    }

    /// A withdrawal that was overtaken by the update.
    @Test func aWithdrawnUpdateThatCountsAllTheSameIsNotTakenBack() throws {
        try begin()
        let first = try train(lease: 1, round: 1)
        bench.receive(.cancel(Cancel(lease: 1, reason: "no sign of life")))
        let second = try train(lease: 2, round: 2, fateOfBefore: (1, 1, .committed))
        try expectCarried(try remainder(of: [first], rounds: 1), by: second)
    }

    @Test func aRestartBetweenPreparationAndAcknowledgementChangesNothing() throws {
        try begin()
        let first = try train(lease: 1, round: 1)
        answer(.committed, lease: 1, round: 1)
        let second = try train(lease: 2, round: 2)
        try begin()
        var offer = bench.offer(lease: 2, uplink: Self.codec)
        offer.errorFeedback = true
        bench.receive(.offer(offer), round: 2, attempt: 1)
        let again = try #require(bench.sent().first("UpdateBegin"))
        guard case .updateBegin(let announced) = again.message else { return }
        #expect(announced.object == ContentHash(of: second) && bench.runner.started.count == 2)
        answer(.committed, lease: 2, round: 2)
        let third = try train(lease: 3, round: 3)
        try expectCarried(try remainder(of: [first, second], rounds: 2), by: third)
    }

    @Test func anUpdateTrainedAgainForTheSameAttemptHasTheSameBytes() throws {
        try begin()
        _ = try train(lease: 1, round: 1)
        answer(.committed, lease: 1, round: 1)
        let second = try train(lease: 2, round: 2)
        // The update's record is lost, the residual's is not: a crash between the two.
        try FileManager.default.removeItem(atPath: bench.folder + "/pending/update.json")
        try begin()
        #expect(try train(lease: 2, round: 2) == second)
        #expect(bench.runner.started.count == 3)
    }

    @Test func aRetransmissionSendsTheSameBytes() throws {
        try begin()
        bench.forgetSent()
        let bytes = try train(lease: 1, round: 1)
        let begin = try #require(bench.sent().first("UpdateBegin"))
        for _ in 0..<2 {
            bench.receive(
                .updateAck(UpdateAck(lease: 1, state: .receivedThrough(0))),
                answering: begin.id, round: 1, attempt: 1)
            bench.connection(.disconnected(reason: "cable"))
            bench.connection(.connected)
            bench.receive(.welcome(bench.welcome()))
        }
        var received: [UInt8] = []
        var question = try #require(bench.sent().last { $0.envelope.message.kind == "UpdateBegin" }?.envelope)
        while received.count < bytes.count {
            bench.receive(
                .updateAck(UpdateAck(lease: 1, state: .receivedThrough(UInt64(received.count)))),
                answering: question.id, round: 1, attempt: 1)
            let chunks = bench.sent()
            #expect(!chunks.isEmpty)
            if chunks.isEmpty { return }
            for chunk in chunks { received += chunk.payload ?? [] }
            if let last = chunks.last { question = last.envelope }
        }
        #expect(received == bytes)
    }

    @Test func aRolledBackRoundStartsFromTheResidualBeforeIt() throws {
        try begin()
        let first = try train(lease: 1, round: 1)
        answer(.committed, lease: 1, round: 1)
        _ = try train(lease: 2, round: 2)
        answer(.committed, lease: 2, round: 2)
        let repeated = try train(lease: 3, round: 2, attempt: 2)
        try expectCarried(try remainder(of: [first], rounds: 1), by: repeated)
    }

    @Test(arguments: [true, false])
    func anAttemptThatWasTurnedBackIsTakenBackWithoutBeingAskedAgain(isRestarted: Bool) throws {
        try begin()
        let first = try train(lease: 1, round: 1)
        answer(.committed, lease: 1, round: 1)
        _ = try train(lease: 2, round: 2)
        answer(.committed, lease: 2, round: 2)
        if isRestarted { try begin() }
        // Others made round 2 in its second attempt.
        let turnedBack = [RoundAttempt(round: 2, attempt: 1)]
        let third = try train(lease: 3, round: 3, rolledBack: turnedBack)
        try expectCarried(try remainder(of: [first], rounds: 1), by: third)
        answer(.committed, lease: 3, round: 3)
        let fourth = try train(lease: 4, round: 4, rolledBack: turnedBack)
        try expectCarried(try remainder(of: [first, third], rounds: 2), by: fourth)
    }

    @Test(arguments: [true, false])
    func whetherAnUpdateCountsIsAskedWhenItsAnswerWasLost(_ counts: Bool) throws {
        try begin()
        let first = try train(lease: 1, round: 1)
        bench.connection(.disconnected(reason: "cable"))
        bench.connection(.connected)
        bench.receive(.welcome(bench.welcome()))
        bench.forgetSent()
        var offer = bench.offer(lease: 2, uplink: Self.codec)
        offer.errorFeedback = true
        bench.receive(.offer(offer), round: 2, attempt: 1)
        let question = try #require(bench.sent().first("UpdateBegin"))
        #expect(question.round == 1 && question.attempt == 1)
        guard case .updateBegin(let asked) = question.message else { return }
        #expect(asked.lease == 1 && asked.object == ContentHash(of: first))
        answer(counts ? .committed : .rejected(reason: "round 1 is closed"), lease: 1, round: 1)
        bench.finishTraining()
        let second = [UInt8](try Data(contentsOf: URL(fileURLWithPath: bench.folder + "/pending/update.bin")))
        let residual = counts ? try remainder(of: [first], rounds: 1) : [Float](repeating: 0, count: 16)
        try expectCarried(residual, by: second)
    }

    @Test func anotherRunStartsWithoutAResidualAndSaysSo() throws {
        try begin()
        let first = try train(lease: 1, round: 1)
        answer(.committed, lease: 1, round: 1)
        try bench.start()
        bench.connection(.connected)
        let other = RunID(bits: 0xdef)
        bench.receive(.welcome(bench.welcome()), run: other)
        #expect(dropReasons.contains { $0.contains("run") })
        var offer = bench.offer(lease: 9, uplink: Self.codec)
        offer.errorFeedback = true
        bench.receive(.offer(offer), round: 1, attempt: 1, run: other)
        for item in bench.sent() {
            guard case .objectRequest(let request) = item.envelope.message else { continue }
            let chunk = ObjectChunk(object: request.object, offset: 0, totalBytes: UInt64(bench.adapter.count))
            bench.receive(.objectChunk(chunk), answering: item.envelope.id, payload: bench.adapter, run: other)
        }
        bench.finishTraining()
        #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: bench.folder + "/pending/update.bin"))) == first)
    }

    @Test func anotherShapeOfTheSameSizeDropsIt() throws {
        try begin()
        let first = try train(lease: 1, round: 1)
        answer(.committed, lease: 1, round: 1)
        let layout = AdapterLayout([("a.lora_A.weight", [3, 2]), ("a.lora_B.weight", [2, 5])])
        let adapter = AdapterObject.encode(layout: layout, values: bench.global)
        var offer = bench.offer(lease: 2, uplink: Self.codec)
        offer.errorFeedback = true
        offer.adapter = ContentHash(of: adapter)
        bench.receive(.offer(offer), round: 2, attempt: 1)
        bench.serveAll([adapter])
        bench.finishTraining()
        #expect(dropReasons.contains { $0.contains("shape") })
        #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: bench.folder + "/pending/update.bin"))) == first)
    }

    @Test func aDamagedFileDropsIt() throws {
        try begin()
        let first = try train(lease: 1, round: 1)
        answer(.committed, lease: 1, round: 1)
        let folder = bench.folder + "/residual"
        let values = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder).first { $0 != "residual.json" })
        var bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + values))
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: URL(fileURLWithPath: folder + "/" + values))
        #expect(try train(lease: 2, round: 2) == first)
        #expect(dropReasons.contains { $0.contains("damaged") })
    }

    @Test func itIsItsOwnersAlone() throws {
        try begin()
        _ = try train(lease: 1, round: 1)
        answer(.committed, lease: 1, round: 1)
        let folder = bench.folder + "/residual"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(names.count == 2)
        for name in names {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/" + name)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        }
    }
}
