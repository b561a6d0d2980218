import Federation
import Foundation
import ModelFiles
import Recipe
import Testing
import Wire
import Worker

@Suite("What a worker keeps for itself")
struct OwnVectorTests {
    let bench = WorkerBench()
    /// A of 6 values, then B of 10.
    private let layout = AdapterLayout([
        ("base_model.model.q.lora_A.weight", [2, 3]), ("base_model.model.q.lora_B.weight", [5, 2]),
    ])
    private var adapter: [UInt8] { AdapterObject.encode(layout: layout, values: bench.global) }
    private static let scaffold = PersonalOptions(keepsControl: true)
    private static let ownB = PersonalOptions(ownFactor: .b)
    private static let local = PersonalOptions(hasLocalAdapter: true)
    /// Local steps times rate.
    private static let reach: Float = 1.5

    private func begin() throws {
        try bench.start()
        bench.openSession()
    }

    /// Takes a worker to its trainer.
    private func offer(
        _ personal: PersonalOptions, lease: UInt64, round: UInt32, attempt: UInt32 = 1, task: Offer.Task = .train,
        control: [Float]? = nil
    ) {
        let object = control.map { ServerOptimizerState(["control": $0]).encoded() }
        var offer = bench.offer(lease: lease, task: task)
        offer.adapter = ContentHash(of: adapter)
        offer.training = TrainingOptions(localSteps: 3, optimizer: .sgd, learningRate: 0.5)
        offer.training.personal = personal
        offer.control = object.map { ContentHash(of: $0) }
        bench.receive(.offer(offer), round: round, attempt: attempt)
        bench.serveAll([adapter] + (object.map { [$0] } ?? []))
    }

    /// The trainer's result, and the update that the worker made of it.
    private func finish(_ values: [Float], local: [Float]? = nil) throws -> [Float] {
        bench.runner.report(
            .trained(values: values, trainingItems: 11, steps: 3, tokens: 192, meanLoss: 1.25, local: local))
        bench.tick()
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: bench.folder + "/pending/update.bin")))
        return try DenseCodec().decode(bytes, count: bytes.count / 4)
    }

    private func answer(_ state: UpdateAck.State, lease: UInt64, round: UInt32, attempt: UInt32 = 1) {
        bench.receive(.updateAck(UpdateAck(lease: lease, state: state)), round: round, attempt: attempt)
    }

    private func trained(_ shift: Float = 1) -> [Float] { zip(bench.global, bench.delta).map { $0 + shift * $1 } }

    private func expectClose(_ left: [Float], _ right: [Float]) {
        #expect(left.count == right.count && zip(left, right).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    // MARK: SCAFFOLD

    private let global: [Float] = (0..<16).map { Float($0 * $0) / 64 }

    @Test func aControlVariateCorrectsTheNextStepsAndItsChangeTravels() throws {
        try begin()
        offer(Self.scaffold, lease: 1, round: 1)
        #expect(bench.runner.started[0].correction == [Float](repeating: 0, count: 16))
        // C₁ = C₁ − C + (x − y) = −Δ.
        expectClose(try finish(trained()), bench.delta + bench.delta.map { -$0 })
        answer(.committed, lease: 1, round: 1)
        try begin()
        offer(Self.scaffold, lease: 2, round: 2, control: global)
        expectClose(
            bench.runner.started[1].correction, zip(global, bench.delta).map { ($0 + $1) / Self.reach })
        let change = zip(global, bench.delta).map { -$0 - 2 * $1 }
        expectClose(try finish(trained(2)), bench.delta.map { 2 * $0 } + change)
        answer(.committed, lease: 2, round: 2)
        // C₁ + change = −Δ − C − 2Δ.
        offer(Self.scaffold, lease: 3, round: 3, control: global)
        expectClose(
            bench.runner.started[2].correction,
            zip(global, bench.delta).map { (2 * $0 + 3 * $1) / Self.reach })
    }

    @Test func aRefusedUpdateLeavesTheVariateAsItWas() throws {
        try begin()
        offer(Self.scaffold, lease: 1, round: 1)
        _ = try finish(trained())
        answer(.rejected(reason: "late"), lease: 1, round: 1)
        offer(Self.scaffold, lease: 2, round: 2, control: global)
        expectClose(bench.runner.started[1].correction, global.map { $0 / Self.reach })
    }

    enum Answer: CaseIterable { case counted, refused, notWhole }

    @Test(arguments: Answer.allCases)
    func aTaskWaitsUntilTheLastUpdatesFateIsKnown(_ answer: Answer) throws {
        try begin()
        offer(Self.scaffold, lease: 1, round: 1)
        _ = try finish(trained())
        try begin()
        offer(Self.scaffold, lease: 2, round: 2, control: global)
        #expect(bench.runner.started.count == 1)
        bench.forgetSent()
        bench.advance(WorkerBench.heartbeatSeconds)
        let question = try #require(bench.sent().first("UpdateBegin"))
        #expect(question.round == 1)
        let state: UpdateAck.State =
            switch answer {
            case .counted: .committed
            case .refused: .rejected(reason: "round 1 is closed")
            case .notWhole: .receivedThrough(0)
            }
        bench.receive(
            .updateAck(UpdateAck(lease: 1, state: state)), answering: question.id, round: 1, attempt: 1)
        #expect(bench.runner.started.count == 2)
        let own = answer == .counted ? bench.delta.map { -$0 } : [Float](repeating: 0, count: 16)
        expectClose(try #require(bench.runner.started.last).correction, zip(global, own).map { ($0 - $1) / Self.reach })
    }

    @Test func aControlVariateOfAnotherShapeIsDeclined() throws {
        try begin()
        offer(Self.scaffold, lease: 1, round: 2, control: [1, 2, 3])
        #expect(bench.runner.started.isEmpty)
        let warnings = bench.events.compactMap { if case .warning(let text) = $0 { text } else { nil } }
        #expect(warnings.contains { $0.contains("control variate") })
    }

    // MARK: FedSA-LoRA

    private var b: Range<Int> { 6..<16 }

    @Test func theOwnFactorStaysAndGoesOnAfterARestart() throws {
        try begin()
        offer(Self.ownB, lease: 1, round: 1)
        #expect(bench.runner.started[0].values == bench.global)
        let first = trained()
        // A's six values and nothing else.
        #expect(try finish(first) == Array(bench.delta[..<6]))
        answer(.committed, lease: 1, round: 1)
        try begin()
        offer(Self.ownB, lease: 2, round: 2)
        #expect(bench.runner.started[1].values == Array(bench.global[..<6]) + Array(first[b]))
        // What was trained from there: A's change is measured from the global A.
        let second = trained(3)
        #expect(try finish(second) == bench.delta[..<6].map { 3 * $0 })
        answer(.rejected(reason: "late"), lease: 2, round: 2)
        offer(Self.ownB, lease: 3, round: 3)
        #expect(Array(bench.runner.started[2].values[b]) == Array(first[b]))
    }

    @Test func aRolledBackRoundGoesOnFromTheFactorBeforeIt() throws {
        try begin()
        offer(Self.ownB, lease: 1, round: 1)
        _ = try finish(trained())
        answer(.committed, lease: 1, round: 1)
        offer(Self.ownB, lease: 2, round: 2)
        _ = try finish(trained(3))
        answer(.committed, lease: 2, round: 2)
        offer(Self.ownB, lease: 3, round: 2, attempt: 2)
        #expect(Array(try #require(bench.runner.started.last).values[b]) == Array(trained()[b]))
    }

    @Test func anEvaluationUsesTheFactorOfTheRoundJustPublished() throws {
        try begin()
        offer(Self.ownB, lease: 1, round: 1, task: .evaluate)
        let before = try #require(bench.runner.started.last)
        #expect(before.values == bench.global && before.modelFolder == bench.folder + "/adapter")
        offer(Self.ownB, lease: 2, round: 1)
        _ = try finish(trained())
        answer(.committed, lease: 2, round: 1)
        try begin()
        offer(Self.ownB, lease: 3, round: 1, task: .evaluate)
        let task = try #require(bench.runner.started.last)
        #expect(task.kind == .evaluate && Array(task.values[b]) == Array(trained()[b]))
    }

    @Test func anotherRunStartsAnewAndSaysSo() throws {
        try begin()
        offer(Self.ownB, lease: 1, round: 1)
        _ = try finish(trained())
        answer(.committed, lease: 1, round: 1)
        try bench.start()
        bench.connection(.connected)
        bench.receive(.welcome(bench.welcome()), run: RunID(bits: 0xdef))
        #expect(
            bench.events.contains {
                if case .ownVectorDropped(_, let reason) = $0 { reason.contains("run") } else { false }
            })
    }

    // MARK: Fixed factors

    @Test func fixedFactorsAreFetchedOnceAndReachTheTrainer() throws {
        try begin()
        let plain = AdapterLayout([("outer", [2, 3])])
        let outer = AdapterObject.encode(layout: plain, values: [1, 2, 3, 4, 5, 6])
        for lease: UInt64 in 1...2 {
            var offer = bench.offer(lease: lease)
            offer.fixedFactors = ContentHash(of: outer)
            bench.receive(.offer(offer), round: UInt32(lease), attempt: 1)
            // The second task has both objects already.
            bench.serveAll(lease == 1 ? [bench.adapter, outer] : [])
            let task = try #require(bench.runner.started.last)
            #expect(task.lease == lease && task.layout == bench.layout && task.values == bench.global)
            #expect(task.fixedFactors?.layout == plain && task.fixedFactors?.values == [1, 2, 3, 4, 5, 6])
        }
    }

    // MARK: A local adapter

    @Test func theLocalAdapterStaysAndTheUpdateKnowsNothingOfIt() throws {
        try begin()
        offer(Self.local, lease: 1, round: 1)
        #expect(bench.runner.started[0].localAdapter == nil && bench.runner.started[0].values == bench.global)
        let local = (0..<16).map { Float($0) * 1_000.5 }
        #expect(try finish(trained(), local: local) == bench.delta)
        answer(.committed, lease: 1, round: 1)
        try begin()
        offer(Self.local, lease: 2, round: 2)
        let task = try #require(bench.runner.started.last)
        #expect(task.localAdapter == local && task.values == bench.global)
        #expect(task.modelFolder == bench.folder + "/adapter")
        for name in try FileManager.default.contentsOfDirectory(atPath: bench.folder + "/own") {
            let attributes = try FileManager.default.attributesOfItem(atPath: bench.folder + "/own/" + name)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        }
    }

    @Test(arguments: [nil, [1, 2], [Float](repeating: .nan, count: 16)] as [[Float]?])
    func aTrainerWithoutOneIsNotBelieved(_ local: [Float]?) throws {
        try begin()
        offer(Self.local, lease: 1, round: 1)
        bench.forgetSent()
        bench.runner.report(
            .trained(values: trained(), trainingItems: 11, steps: 3, tokens: 192, meanLoss: 1.25, local: local))
        bench.tick()
        #expect(bench.kinds() == ["Decline"] && bench.pendingFiles == [])
    }
}
