import Federation
import ModelFiles
import Testing

@Suite("A round's step at the server")
struct ServerStepTests {
    private let layout = AdapterLayout([
        ("base_model.model.q.lora_A.weight", [2, 3]), ("base_model.model.q.lora_B.weight", [4, 2]),
        ("base_model.model.v.lora_A.weight", [2, 3]), ("base_model.model.v.lora_B.weight", [1, 2]),
        ("base_model.model.score.weight", [2, 1]),
    ])

    private func positions(of ending: String) -> [Int] {
        layout.entries.filter { $0.name.contains(ending) }.flatMap(\.range)
    }

    @Test("a part without a factor holds every other tensor, in layout order")
    func part() {
        let whole = (0..<layout.parameterCount).map { Float($0) }
        let part = AdapterPart(of: layout, without: .a)
        #expect(part.gather(whole) == (positions(of: "lora_B") + positions(of: "score")).sorted().map { Float($0) })
        #expect(part.count == layout.parameterCount - 12 && !part.isWhole)
        var other = whole.map { -$0 }
        part.scatter(part.gather(whole), into: &other)
        #expect(positions(of: "lora_A").allSatisfy { other[$0] == -whole[$0] })
        #expect(positions(of: "lora_B").allSatisfy { other[$0] == whole[$0] })
        #expect(AdapterPart(of: layout).gather(whole) == whole)
    }

    @Test("RoLoRA trains B in odd rounds and A in even ones, FFA-LoRA B alone")
    func turns() {
        #expect((1...4).map(FactorAggregation.roLoRA.frozenFactor) == [.a, .b, .a, .b])
        #expect((1...2).map(FactorAggregation.ffaLoRA.frozenFactor) == [.a, .a])
        #expect((1...2).map(FactorAggregation.separate.frozenFactor) == [nil, nil])
    }

    @Test("FedSA-LoRA trains both factors and sends all but B, in every round")
    func ownFactor() {
        let whole = (0..<layout.parameterCount).map { Float($0) }
        for round in 1...2 {
            #expect(FactorAggregation.fedSA.frozenFactor(round: round) == nil)
            let sent = FactorAggregation.fedSA.part(of: layout, round: round).gather(whole)
            #expect(sent == (positions(of: "lora_A") + positions(of: "score")).sorted().map { Float($0) })
        }
        #expect(AdapterPart(of: layout, only: .b).gather(whole) == positions(of: "lora_B").sorted().map { Float($0) })
        #expect(FactorAggregation.allCases.filter { $0.ownFactor != nil } == [.fedSA])
    }

    @Test("a frozen factor keeps its values and its momentum")
    func frozen() throws {
        let strategy = ServerStrategy.fedAvgM(learningRate: 1, momentum: 0.5)
        var state = ServerOptimizerState(["velocity": [Float](repeating: 2, count: layout.parameterCount)])
        var global = [Float](repeating: 1, count: layout.parameterCount)
        let part = AdapterPart(of: layout, without: .a)
        var step = ServerStep(strategy, part: part)
        step.add([Float](repeating: 3, count: part.count), from: UpdateReport(weight: 1, steps: 1, trainLoss: 1))
        try step.apply(to: &global, state: &state)
        // v = ½·2 + 3 = 4, w = 1 + 4.
        let frozen = Set(positions(of: "lora_A"))
        #expect(global == global.indices.map { frozen.contains($0) ? 1 : 5 })
        #expect(state.vectors == ["velocity": global.indices.map { frozen.contains($0) ? 2 : 4 }])
    }

    @Test("a sum that leaves float32 is refused and changes nothing")
    func overflow() {
        var state = ServerStrategy.fedAvg.initialState(parameterCount: layout.parameterCount)
        var global = [Float](repeating: .greatestFiniteMagnitude, count: layout.parameterCount)
        var step = ServerStep(.fedAvg, part: AdapterPart(of: layout))
        step.add(global, from: UpdateReport(weight: 1, steps: 1, trainLoss: 1))
        #expect(throws: AggregationError.notFinite) { try step.apply(to: &global, state: &state) }
        #expect(global.allSatisfy { $0 == .greatestFiniteMagnitude })
    }
}
