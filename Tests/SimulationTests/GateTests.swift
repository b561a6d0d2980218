import Coordinator
import Federation
import Foundation
import ModelFiles
import Simulation
import Testing
import Wire
import Worker

@Suite("The quality gate")
struct GateTests {
    /// Gives the losses of a list, one after the other; afterwards the last one again.
    private final class ScriptedEvaluator: Evaluating {
        private var losses: [Double]
        private(set) var evaluated: [[Float]] = []

        init(_ losses: [Double]) { self.losses = losses }

        func evaluate(
            adapter values: [Float], residual: AdapterResidual?,
            completion: @escaping @Sendable (Result<Evaluation, any Error>) -> Void
        ) {
            evaluated.append(values)
            let loss = losses.count > 1 ? losses.removeFirst() : losses[0]
            completion(.success(Evaluation(loss: loss, standardError: 0.1, items: 5)))
        }
    }

    private func conversation(_ losses: [Double], rounds: Int = 2) throws -> (Conversation, ScriptedEvaluator) {
        let conversation = try Conversation(rounds: rounds, workersPerRound: 2, minimumConnected: 2)
        conversation.settings.gateTolerance = 0.05
        conversation.settings.evaluateEvery = 1
        let evaluator = ScriptedEvaluator(losses)
        conversation.evaluator = evaluator
        try conversation.startCoordinator()
        try conversation.allow(["a", "b"])
        for (index, name) in ["a", "b"].enumerated() {
            try conversation.startWorker(name, runner: FakeRunner(items: UInt64(index + 1), slope: Double(index) - 0.5))
        }
        return (conversation, evaluator)
    }

    private func audit(_ conversation: Conversation) throws -> RecordAudit {
        try RecordAudit(ledger: conversation.keys, state: conversation.root + "/state")
    }

    @Test func aRoundWithinTheToleranceIsPublished() throws {
        // Base 3; each of the two is less than 0.05 above the one before, the second more than that above the base.
        let (conversation, _) = try conversation([3, 3.04, 3.08])
        #expect(conversation.runToEnd())
        #expect(try conversation.keys.rollbacks().isEmpty)
        #expect(conversation.published.map { $0.evaluation?.loss } == [3.04, 3.08])
        #expect(try audit(conversation).finding == nil)
    }

    @Test func aWorseRoundIsTriedAgainFromTheLastGoodAdapterAndNobodySeesIt() throws {
        let (conversation, evaluator) = try conversation([3, 2.9, 2.96, 2.8])
        var served: Set<ContentHash> = []
        var offered: [String: Set<ContentHash>] = [:]
        conversation.link.watch = { envelope, _ in
            switch envelope.message {
            case .objectChunk(let chunk): served.insert(chunk.object)
            case .offer(let offer):
                offered["\(envelope.round)/\(envelope.attempt)", default: []].insert(offer.adapter)
            default: break
            }
        }
        #expect(conversation.runToEnd())
        let rollbacks = try conversation.keys.rollbacks()
        #expect(rollbacks.map(\.round) == [2] && rollbacks.map(\.attempt) == [1])
        #expect(rollbacks.first?.loss == 2.96 && rollbacks.first?.reference == 2.9)
        let rejected = AdapterObject.encode(layout: conversation.layout, values: evaluator.evaluated[2])
        let good = AdapterObject.encode(layout: conversation.layout, values: evaluator.evaluated[1])
        #expect(!served.contains(ContentHash(of: rejected)))
        // Both attempts at round 2 started from what round 1 published.
        #expect(offered["2/1"] == [ContentHash(of: good)] && offered["2/2"] == [ContentHash(of: good)])
        #expect(conversation.published.map(\.round) == [1, 2])
        #expect(conversation.published.last?.evaluation?.loss == 2.8)
        #expect(try conversation.keys.updates(round: 2, attempt: 2).count == 2)
        // The shifts are the same in each attempt, so two published rounds give two shifts.
        #expect(conversation.service?.currentAdapter.values == evaluator.evaluated[3])
        let audit = try audit(conversation)
        #expect(audit.finding == nil && audit.records == 3)
        let kinds = try conversation.keys.records().map { $0.body.contains("\"kind\":\"rolled-back\"") }
        #expect(kinds == [false, true, false])
        #expect(try conversation.keys.events(last: 9).map(\.kind) == [.rolledBack, .finished])
    }

    @Test func whileTheGateWaitsNothingOfTheRoundIsOnDiskOrServed() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 1, minimumConnected: 1)
        conversation.settings.gateTolerance = 0.05
        conversation.settings.evaluateEvery = 1
        let evaluator = FakeEvaluator()
        conversation.evaluator = evaluator
        try conversation.startCoordinator()
        // The base is evaluated; the candidate's evaluation is held.
        #expect(conversation.link.run(limitSeconds: 10) { (try? conversation.keys.evaluations()[0]) != nil })
        evaluator.isHeld = true
        try conversation.allow(["a"])
        try conversation.startWorker("a", runner: FakeRunner(items: 1, slope: -1))
        #expect(
            conversation.link.run(limitSeconds: 100) {
                (try? conversation.keys.updates(round: 1, attempt: 1).count) == 1
            })
        _ = conversation.link.run(limitSeconds: 60) { false }
        let state = conversation.root + "/state"
        #expect(conversation.service?.currentAdapter.version == 0)
        #expect(try AdapterDirectory.read(state + "/adapter").values == conversation.firstAdapter)
        #expect(!FileManager.default.fileExists(atPath: state + "/adapters/0001"))
        #expect(try RunOverview(state: state, ledger: conversation.keys).waitingFor?.contains("evaluation") == true)

        // Killed in the middle: the same candidate again.
        conversation.killCoordinator()
        evaluator.forget()
        evaluator.isHeld = false
        try conversation.startCoordinator()
        #expect(conversation.runToEnd())
        #expect(conversation.matchesClosedForm())
        #expect(try conversation.keys.totals().updates == 1)
    }

    @Test func repeatedRollbackPausesTheRunWithItsCauseUntilItIsResumed() throws {
        let (conversation, _) = try conversation([3, 4, 5, .nan, 6, 2], rounds: 1)
        #expect(conversation.link.run(limitSeconds: 1_000) { (try? conversation.keys.control().request) == .pause })
        _ = conversation.link.run(limitSeconds: 60) { false }
        #expect(!conversation.isOver && conversation.service?.currentAdapter.version == 0)
        let rollbacks = try conversation.keys.rollbacks()
        #expect(rollbacks.map(\.attempt) == [1, 2, 3] && rollbacks.map(\.loss) == [4, 5, nil])
        let overview = try RunOverview(state: conversation.root + "/state", ledger: conversation.keys)
        #expect(overview.state == .paused)
        #expect(overview.waitingFor?.contains("3 attempts in a row were rolled back") == true)
        try conversation.keys.ask(for: .run)
        #expect(conversation.runToEnd())
        // A fourth attempt was worse again, the fifth better.
        #expect(try conversation.keys.rollbacks().map(\.attempt) == [1, 2, 3, 4])
        #expect(conversation.published.map { $0.evaluation?.loss } == [2])
        #expect(try audit(conversation).finding == nil)
    }

    @Test func aPauseTakesACandidateBackAndTheRoundIsJudgedAfterIt() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 1, minimumConnected: 1)
        conversation.settings.gateTolerance = 0.05
        conversation.settings.evaluateEvery = 1
        let evaluator = FakeEvaluator()
        conversation.evaluator = evaluator
        try conversation.startCoordinator()
        #expect(conversation.link.run(limitSeconds: 10) { (try? conversation.keys.evaluations()[0]) != nil })
        evaluator.isHeld = true
        try conversation.allow(["a"])
        try conversation.startWorker("a", runner: FakeRunner(items: 1, slope: -1))
        #expect(
            conversation.link.run(limitSeconds: 100) {
                (try? conversation.keys.updates(round: 1, attempt: 1).count) == 1
            })
        try conversation.keys.ask(for: .pause)
        _ = conversation.link.run(limitSeconds: 5) { false }
        evaluator.release()
        _ = conversation.link.run(limitSeconds: 5) { false }
        #expect(conversation.service?.currentAdapter.version == 0)
        try conversation.keys.ask(for: .run)
        #expect(conversation.runToEnd())
        #expect(conversation.matchesClosedForm() && conversation.published.count == 1)
    }

    @Test(arguments: 1...14)
    func aCoordinatorKilledAnywhereInARolledBackRoundGivesTheSameEnd(messages: Int) throws {
        // What is worse is in the adapter itself, so that a repeated evaluation says the same.
        final class SumEvaluator: Evaluating {
            func evaluate(
                adapter values: [Float], residual: AdapterResidual?,
                completion: @escaping @Sendable (Result<Evaluation, any Error>) -> Void
            ) {
                completion(
                    .success(Evaluation(loss: Double(values.reduce(0, +)), standardError: 0, items: 1)))
            }
        }
        let conversation = try Conversation(rounds: 1, workersPerRound: 2, minimumConnected: 2)
        conversation.settings.gateTolerance = 0.5
        conversation.settings.gateAttempts = 1
        conversation.settings.evaluateEvery = 1
        conversation.evaluator = SumEvaluator()
        try conversation.startCoordinator()
        try conversation.allow(["a", "b"])
        for name in ["a", "b"] { try conversation.startWorker(name, runner: FakeRunner(items: 1, slope: 1)) }
        var count = 0
        conversation.link.watch = { _, isUp in count += isUp ? 1 : 0 }
        _ = conversation.link.run(limitSeconds: 100) { count >= messages }
        conversation.killCoordinator()
        _ = conversation.link.run(limitSeconds: 5) { false }
        try conversation.startCoordinator()
        #expect(conversation.link.run(limitSeconds: 1_000) { (try? conversation.keys.control().request) == .pause })
        #expect(try conversation.keys.rollbacks().map(\.attempt) == [1])
        #expect(conversation.service?.currentAdapter.values == conversation.firstAdapter)
        #expect(try conversation.keys.updates(round: 1, attempt: 1).map(\.worker.text) == ["a", "b"])
        #expect(try audit(conversation).finding == nil)
    }
}
