import Coordinator
import Federation
import ModelFiles
import Simulation
import Testing
import Wire
import Worker

/// Answers with the adapter's sum, at once or when told to.
final class FakeEvaluator: Evaluating {
    var isHeld = false
    private var held: [() -> Void] = []
    private(set) var count = 0
    private(set) var residuals: [AdapterResidual?] = []

    func evaluate(
        adapter values: [Float], residual: AdapterResidual?,
        completion: @escaping @Sendable (Result<Evaluation, any Error>) -> Void
    ) {
        count += 1
        residuals.append(residual)
        let evaluation = Evaluation(loss: Double(values.reduce(0, +)), standardError: 0, items: 5)
        if isHeld { held.append { completion(.success(evaluation)) } } else { completion(.success(evaluation)) }
    }

    /// Its process is gone, and with it whoever waited.
    func forget() { held = [] }

    func release() {
        isHeld = false
        for complete in held { complete() }
        held = []
    }
}

@Suite("Evaluation in conversation")
struct EvaluationTests {
    private func start(_ count: Int, in conversation: Conversation) throws {
        let names = (0..<count).map { "w\($0)" }
        try conversation.allow(names)
        for (index, name) in names.enumerated() {
            try conversation.startWorker(name, runner: FakeRunner(items: UInt64(index + 1), slope: Double(index)))
        }
    }

    private func base(_ conversation: Conversation) -> Evaluation? {
        conversation.events.compactMap { if case .baseEvaluated(let result) = $0 { result } else { nil } }.first
    }

    @Test func theCoordinatorEvaluatesTheBaseEverySecondRoundAndTheEnd() throws {
        let conversation = try Conversation(rounds: 5, workersPerRound: 2, minimumConnected: 2)
        conversation.settings.evaluateEvery = 2
        conversation.evaluator = FakeEvaluator()
        try conversation.startCoordinator()
        try start(2, in: conversation)
        #expect(conversation.runToEnd())
        #expect(base(conversation)?.loss == Double(conversation.firstAdapter.reduce(0, +)))
        #expect(conversation.published.map { $0.evaluation != nil } == [false, true, false, true, true])
        let final = try #require(conversation.service?.currentAdapter.values.reduce(0, +))
        #expect(conversation.published.last?.evaluation?.loss == Double(final))
    }

    @Test func whereNobodyEvaluatesARunEndsWithoutALoss() throws {
        let conversation = try Conversation(rounds: 2, workersPerRound: 2, minimumConnected: 2)
        conversation.settings.evaluationSource = .nobody
        let evaluator = FakeEvaluator()
        conversation.evaluator = evaluator
        try conversation.startCoordinator()
        try start(2, in: conversation)
        #expect(conversation.runToEnd())
        #expect(evaluator.count == 0 && base(conversation) == nil)
        #expect(conversation.published.map { $0.evaluation == nil } == [true, true])
        #expect(try RunHistory(ledger: conversation.keys).workers.allSatisfy { $0.heldOut == nil })
    }

    @Test func aSlowEvaluationHoldsBackNewsButNotTraining() throws {
        let conversation = try Conversation(rounds: 3, workersPerRound: 1, minimumConnected: 1)
        let evaluator = FakeEvaluator()
        evaluator.isHeld = true
        conversation.evaluator = evaluator
        try conversation.startCoordinator()
        try start(1, in: conversation)
        #expect(conversation.link.run(limitSeconds: 100) { conversation.service?.currentAdapter.version == 3 })
        #expect(conversation.published.isEmpty)
        evaluator.release()
        #expect(conversation.runToEnd())
        #expect(conversation.published.map(\.round) == [1, 2, 3])
    }

    @Test func anEvaluationCutOffByAKillIsDoneAfterTheRestart() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 1, minimumConnected: 1)
        let evaluator = FakeEvaluator()
        evaluator.isHeld = true
        conversation.evaluator = evaluator
        try conversation.startCoordinator()
        try start(1, in: conversation)
        #expect(conversation.link.run(limitSeconds: 100) { conversation.service?.currentAdapter.version == 1 })
        conversation.killCoordinator()
        evaluator.forget()
        conversation.evaluator = FakeEvaluator()
        try conversation.startCoordinator()
        #expect(conversation.runToEnd())
        #expect(conversation.published.map { $0.evaluation != nil } == [true])
        #expect(base(conversation) != nil)
    }

    @Test func workersEvaluateTheirOwnTextAndTheMeanIsOverItems() throws {
        let conversation = try Conversation(rounds: 2, workersPerRound: 2, minimumConnected: 4)
        conversation.settings.evaluationSource = .workers
        try conversation.startCoordinator()
        try start(4, in: conversation)
        #expect(conversation.runToEnd())
        // Worker k has k + 1 items of loss k: (0 + 2 + 6 + 12) / 10.
        #expect(base(conversation)?.loss == 2)
        #expect(conversation.published.map { $0.evaluation?.loss } == [nil, 2])
        #expect(conversation.published.last?.evaluation?.items == 10)
        // One of four is the worst tenth.
        #expect(base(conversation)?.worstDecile == 3 && conversation.published.last?.evaluation?.worstDecile == 3)
        let workers = try RunHistory(ledger: conversation.keys).workers
        #expect(workers.map { $0.heldOut?.loss } == [0, 1, 2, 3])
        #expect(workers.allSatisfy { $0.firstHeldOut?.version == 0 && $0.heldOut?.version == 2 })
    }

    @Test func whereMetricsAreWithheldNobodysOwnLossIsKept() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 2, minimumConnected: 4)
        conversation.settings.evaluationSource = .workers
        conversation.settings.withholdsMetrics = true
        try conversation.startCoordinator()
        try start(4, in: conversation)
        #expect(conversation.runToEnd())
        let evaluation = try #require(conversation.published.last?.evaluation)
        #expect(evaluation.loss == 2 && evaluation.worstDecile == nil)
        #expect(try RunHistory(ledger: conversation.keys).workers.allSatisfy { $0.heldOut == nil })
    }

    @Test func fewerReportsThanTheCohortGiveNoNumber() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 2, minimumConnected: 2)
        conversation.settings.evaluationSource = .workers
        try conversation.startCoordinator()
        try start(2, in: conversation)
        #expect(conversation.runToEnd())
        #expect(base(conversation) == nil)
        #expect(conversation.published.map { $0.evaluation == nil } == [true])
    }

    @Test func heldOutWorkersEvaluateAndNeverTrain() throws {
        let conversation = try Conversation(rounds: 3, workersPerRound: 2, minimumConnected: 6)
        conversation.settings.evaluationSource = .heldOutWorkers(3)
        try conversation.startCoordinator()
        try start(6, in: conversation)
        #expect(conversation.runToEnd())
        let heldOut = try conversation.keys.heldOutWorkers().map(\.text)
        #expect(heldOut.count == 3)
        #expect(Set(conversation.accepted.values.joined()).isDisjoint(with: heldOut))
        #expect(conversation.published.last?.evaluation != nil)
    }

    @Test(arguments: [UInt64](1...4))
    func workersEvaluateOverALossyLink(seed: UInt64) throws {
        let conversation = try Conversation(
            rounds: 2, workersPerRound: 2, minimumConnected: 4, seed: seed,
            faults: LinkFaults(loss: 0.2, duplication: 0.2, delaySeconds: 0.001...1))
        conversation.settings.evaluationSource = .workers
        try conversation.startCoordinator()
        try start(4, in: conversation)
        #expect(conversation.runToEnd())
        #expect(conversation.published.last?.evaluation?.loss == 2)
    }
}
