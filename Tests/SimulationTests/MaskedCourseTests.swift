import Coordinator
import Federation
import Foundation
import ModelFiles
import Recipe
import SecureAggregation
import Simulation
import Testing
import Wire
import Worker

@Suite("The course of runs under masks")
struct MaskedCourseTests {
    /// Gives the losses of a list, one after the other.
    private final class ScriptedEvaluator: Evaluating {
        private var losses: [Double]

        init(_ losses: [Double]) { self.losses = losses }

        func evaluate(
            adapter values: [Float], residual: AdapterResidual?,
            completion: @escaping @Sendable (Result<Evaluation, any Error>) -> Void
        ) {
            let loss = losses.count > 1 ? losses.removeFirst() : losses[0]
            completion(.success(Evaluation(loss: loss, standardError: 0.1, items: 5)))
        }
    }

    @Test("a pause takes nothing from an attempt, nor does a worker that starts again meanwhile", arguments: 1...4)
    func pause(after closed: Int) throws {
        let fleet = try MaskedFleet(rounds: 2)
        #expect(try fleet.run(untilClosed: closed))
        // The step stays open until the pause is noticed.
        fleet.conversation.kill("d")
        #expect(try fleet.conversation.keys.ask(for: .pause))
        _ = fleet.conversation.link.run(limitSeconds: 60) { false }
        #expect(fleet.conversation.published.isEmpty)
        #expect(try fleet.rows("maskStep") == closed)
        try fleet.start("d")
        #expect(try fleet.conversation.keys.ask(for: .run))
        #expect(fleet.run())
        #expect(try fleet.failures == 0)
        #expect(fleet.conversation.published.map(\.workers) == [8, 8])
        #expect(fleet.matchesClosedForm())
    }

    @Test("an attempt that the gate turns back is masked anew, and nothing of it is kept")
    func gate() throws {
        let fleet = try MaskedFleet(rounds: 1, starting: false)
        fleet.conversation.killCoordinator()
        fleet.conversation.settings.gateTolerance = 0.05
        fleet.conversation.settings.evaluateEvery = 1
        fleet.conversation.evaluator = ScriptedEvaluator([3, 4, 2.9])
        try fleet.conversation.startCoordinator()
        for name in fleet.names { try fleet.start(name) }
        #expect(try fleet.run(untilClosed: 3))
        let first = try #require(fleet.file("attempt", of: "a"))
        #expect(fleet.conversation.link.run(limitSeconds: 1_000) { (try? fleet.rows("rolledBack")) == 1 })
        #expect(try fleet.rows("maskMessage") == 0)
        #expect(try fleet.run(untilClosed: 3))
        #expect(fleet.file("attempt", of: "a")?.dropFirst(16) != first.dropFirst(16))
        #expect(fleet.run())
        #expect(try fleet.failures == 0 && fleet.attempt(of: 1) == 2)
        #expect(
            zip(try fleet.adapter, fleet.expected(of: fleet.names)).allSatisfy {
                abs($0 - $1) <= fleet.roundError(of: fleet.names) + 1e-5
            })
    }

    @Test("over a link that loses, doubles and delays, every round comes out", arguments: 1...4 as ClosedRange<UInt64>)
    func badLink(seed: UInt64) throws {
        let fleet = try MaskedFleet(
            rounds: 2, seed: seed, faults: LinkFaults(loss: 0.1, duplication: 0.2, delaySeconds: 0.001...0.8))
        #expect(fleet.run())
        #expect(fleet.conversation.published.map(\.round) == [1, 2])
        // An attempt that failed leaves its accepted updates behind, so the closed form is of those that did not.
        if try fleet.failures == 0 { #expect(fleet.matchesClosedForm()) }
    }

    @Test("server optimisers and rounds of one factor get the same mean as without masks")
    func strategies() throws {
        func adapter(masked: Bool) throws -> [Double] {
            let fleet = try MaskedFleet(rounds: 3, isMasked: masked, starting: false)
            fleet.conversation.killCoordinator()
            fleet.conversation.settings.strategy = .fedAvgM(learningRate: 1, momentum: 0.5)
            fleet.conversation.settings.aggregation = .roLoRA
            try fleet.conversation.startCoordinator()
            for name in fleet.names { try fleet.start(name) }
            #expect(fleet.run())
            return try fleet.adapter
        }
        let (hidden, open) = (try adapter(masked: true), try adapter(masked: false))
        let bound = 3 * 8 * MaskedFleet.options.quantisation.step / 33
        #expect(zip(hidden, open).allSatisfy { abs($0 - $1) <= bound })
        #expect(zip(hidden, open).contains { abs($0 - $1) > 0 })
    }

    @Test("a masked update that a disk lost is sent again as it was", arguments: [true, false])
    func damaged(isMissing: Bool) throws {
        let fleet = try MaskedFleet(rounds: 1, starting: false)
        for name in fleet.names { try fleet.start(name) }
        let slow = try #require(fleet.runners["h"])
        slow.isHeld = true
        #expect(fleet.conversation.link.run(limitSeconds: 1_000) { (try? fleet.objects.count) == 7 })
        _ = fleet.conversation.link.run(limitSeconds: 3) { false }
        let object = try #require(try fleet.objects["b"])
        fleet.conversation.killCoordinator()
        let path = fleet.conversation.root + "/state/blobs/\(object.prefix(2))/\(object)"
        if isMissing {
            try FileManager.default.removeItem(atPath: path)
        } else {
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            bytes[3] ^= 1
            try bytes.write(to: URL(fileURLWithPath: path))
        }
        try fleet.conversation.startCoordinator()
        let runner = try #require(fleet.runners["b"])
        #expect(fleet.conversation.link.run(limitSeconds: 100) { (try? fleet.objects.count) == 7 })
        #expect(try fleet.objects["b"] == object && runner.started.count == 1)
        slow.release()
        #expect(fleet.run())
        #expect(try fleet.failures == 0)
        #expect(fleet.conversation.published.first?.workers == 8)
    }

    @Test("a masked update that counts and is lost after the step closed costs the attempt, not the run")
    func lostAfterClosing() throws {
        let fleet = try MaskedFleet(rounds: 1)
        #expect(try fleet.run(untilClosed: 3))
        let object = try #require(try fleet.objects["b"])
        fleet.conversation.killCoordinator()
        try FileManager.default.removeItem(
            atPath: fleet.conversation.root + "/state/blobs/\(object.prefix(2))/\(object)")
        try fleet.conversation.startCoordinator()
        #expect(fleet.run())
        #expect(try fleet.failures == 1 && fleet.attempt(of: 1) == 2)
        #expect(fleet.conversation.published.first?.workers == 8)
    }

    @Test("while a step waits, the run says which and for whom")
    func standing() throws {
        let fleet = try MaskedFleet(rounds: 1)
        #expect(try fleet.run(untilClosed: 3))
        fleet.conversation.kill("d")
        _ = fleet.conversation.link.run(limitSeconds: 5) { false }
        let standing = try #require(RunStanding.read(in: fleet.conversation.root + "/state"))
        #expect(
            standing.waitingFor?.contains(
                "round 1 is summed under masks, has 7 of 8 signatures of who survived and waits for the others from d")
                == true, "\(String(describing: standing.waitingFor))")
        #expect(standing.late.map(\.worker) == ["d"])
        #expect(standing.late.first?.reason.contains("has not sent signatures of who survived") == true)
        #expect(fleet.run())
    }

    @Test("a worker that sends no keys, or none of its own, is left out, and the others go on")
    func badKeys() throws {
        let fleet = try MaskedFleet(rounds: 1, starting: false)
        for name in fleet.names.dropLast() { try fleet.start(name) }
        let end = fleet.conversation.link.addWorker(keys: [.own: Conversation.key("h", 1)])
        let liar = HandWrittenWorker(end: end)
        fleet.conversation.link.attach(liar, to: end, keys: .own)
        _ = fleet.conversation.link.run(limitSeconds: 1) { liar.isConnected }
        func hello(_ features: [String]) -> Message {
            .hello(Hello(software: "", features: features, codecs: [.dense], cores: 1, memoryBytes: 1, baseModel: nil))
        }
        liar.say(hello([]))
        _ = fleet.conversation.link.run(limitSeconds: 1) { liar.lastRefusal != nil }
        #expect(liar.lastRefusal == .unsupportedVersion)
        liar.say(hello([Feature.maskedUpdates, Feature.privateUpdates]))
        #expect(fleet.conversation.link.run(limitSeconds: 30) { liar.lease != nil })
        let lease = try #require(liar.lease)
        // What follows a step that it had no part in is not its to ask for.
        for step in MaskStep.Step.allCases {
            liar.say(.maskStep(MaskStep(lease: lease, step: step)), payload: [])
        }
        _ = fleet.conversation.link.run(limitSeconds: 1) { false }
        #expect(!liar.heard.contains { if case .maskStep = $0.message { true } else { false } })
        // An update before its step.
        liar.say(
            .updateWhole(
                UpdateCommit(
                    lease: lease, object: ContentHash(of: [1]), trainingItems: 1, steps: 1, tokensTrained: nil,
                    trainLoss: nil)),
            payload: [1])
        _ = fleet.conversation.link.run(limitSeconds: 1) { false }
        #expect(liar.lastAck == .rejected(reason: "masked updates are not due from this worker now"))
        // Another worker's keys.
        let path = try #require(fleet.path("attempt", of: "a"))
        #expect(FileManager.default.fileExists(atPath: path))
        let keys = try #require(try fleet.messages(of: .keys)["a"])
        liar.say(.maskStep(MaskStep(lease: lease, step: .keys)), payload: keys)
        _ = fleet.conversation.link.run(limitSeconds: 1) { false }
        #expect(liar.heard.contains { if case .cancel = $0.message { true } else { false } })
        #expect(fleet.run())
        #expect(try fleet.failures == 0)
        #expect(fleet.conversation.published.first?.workers == 7)
        #expect(fleet.matchesClosedForm())
    }

    @Test("updates in the clear are refused where masks are asked for")
    func unmaskedUpdate() throws {
        let fleet = try MaskedFleet(rounds: 1, starting: false)
        for name in fleet.names.dropLast() { try fleet.start(name) }
        let end = fleet.conversation.link.addWorker(keys: [.own: Conversation.key("h", 1)])
        let liar = HandWrittenWorker(end: end)
        fleet.conversation.link.attach(liar, to: end, keys: .own)
        _ = fleet.conversation.link.run(limitSeconds: 1) { liar.isConnected }
        liar.say(
            .hello(
                Hello(
                    software: "", features: [Feature.maskedUpdates, Feature.privateUpdates], codecs: [.dense],
                    cores: 1, memoryBytes: 1, baseModel: nil)))
        #expect(fleet.conversation.link.run(limitSeconds: 30) { liar.lease != nil })
        let lease = try #require(liar.lease)
        liar.say(
            .updateBegin(
                UpdateBegin(lease: lease, object: ContentHash(of: [1]), totalBytes: 56, codec: .dense)))
        _ = fleet.conversation.link.run(limitSeconds: 1) { false }
        #expect(liar.lastAck == .rejected(reason: "the run compresses updates with masked"))
        #expect(fleet.run())
        #expect(fleet.conversation.published.first?.workers == 7)
    }
}
