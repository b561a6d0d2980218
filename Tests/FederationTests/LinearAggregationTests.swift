import Federation
import ModelFiles
import Testing

/// The methods that average value by value, against their definitions written out.
@Suite("Aggregation value by value")
struct LinearAggregationTests {
    static let linear: [FactorAggregation] = [.separate, .ffaLoRA, .roLoRA, .fedSB, .fedSA]

    /// Two layers of `[5, 3]` and `[2, 4]` at rank 2.
    private static let factors = AdapterLayout([
        ("base_model.model.q.lora_A.weight", [2, 3]), ("base_model.model.q.lora_B.weight", [5, 2]),
        ("base_model.model.v.lora_A.weight", [2, 4]), ("base_model.model.v.lora_B.weight", [2, 2]),
    ])
    private static let cores = AdapterLayout([
        ("base_model.model.q.lora_R.weight", [2, 2]), ("base_model.model.v.lora_R.weight", [2, 2]),
    ])
    private static let layers = [(name: "q", outputs: 5, inputs: 3), (name: "v", outputs: 2, inputs: 4)]
    private static let rank = 2

    private static func layout(_ method: FactorAggregation) -> AdapterLayout {
        method == .fedSB ? cores : factors
    }

    /// A round's workers: what their text weighs, and what they send.
    private struct Updates {
        var weights: [Double]
        var values: [[Float]]
    }

    private func updates(workers: Int, count: Int, key: UInt64) -> Updates {
        Updates(
            weights: (0..<workers).map { Double(1 + ($0 * 7 + Int(key)) % 23) },
            values: (0..<workers).map { normalValues(count, key: key * 100 + UInt64($0)) })
    }

    /// The adapter after a round of these updates.
    private func published(
        _ updates: Updates, _ method: FactorAggregation, round: Int, from global: [Float]
    ) throws -> [Float] {
        let part = method.part(of: Self.layout(method), round: round)
        var step = ServerStep(.fedAvg, part: part)
        for (values, weight) in zip(updates.values, updates.weights) {
            step.add(values, from: UpdateReport(weight: weight, steps: 1, trainLoss: 1))
        }
        var next = global
        var state = ServerStrategy.fedAvg.initialState(parameterCount: global.count)
        try step.apply(to: &next, state: &state)
        return next
    }

    @Test("aggregating sums is summing aggregates, to rounding", arguments: linear, [1, 2, 3, 8, 40])
    func commutes(_ method: FactorAggregation, workers: Int) throws {
        let layout = Self.layout(method)
        for round in 1...2 {
            let count = method.part(of: layout, round: round).count
            let zero = [Float](repeating: 0, count: layout.parameterCount)
            let x = updates(workers: workers, count: count, key: UInt64(round))
            var y = updates(workers: workers, count: count, key: UInt64(round + 2))
            y.weights = x.weights
            var sum = x
            sum.values = zip(x.values, y.values).map { zip($0, $1).map { $0 + $1 } }
            let apart = try [x, y].map { try published($0, method, round: round, from: zero) }
            let together = try published(sum, method, round: round, from: zero)
            let size = (x.values + y.values).joined().map(\.magnitude).max() ?? 0
            for index in together.indices {
                // A rounding each for x + y, for the three means and for the sum.
                #expect(abs(apart[0][index] + apart[1][index] - together[index]) <= 5 * size.ulp)
            }
        }
    }

    /// `B · A` of a layer or, around a core, `B · R · A`: `[outputs, inputs]`, by the definition.
    private func product(
        _ layer: Int, _ values: [Float], _ method: FactorAggregation, fixed: [Float]
    ) throws -> [Double] {
        let (name, outputs, inputs) = Self.layers[layer]
        let outer = method == .fedSB ? fixed : values
        let a = try #require(Self.factors["base_model.model.\(name).lora_A.weight"]).offset
        let b = try #require(Self.factors["base_model.model.\(name).lora_B.weight"]).offset
        let core = Self.cores["base_model.model.\(name).lora_R.weight"]?.offset ?? 0
        return (0..<outputs * inputs).map { place in
            var sum = 0.0
            for left in 0..<Self.rank {
                for right in 0..<Self.rank {
                    let between =
                        method == .fedSB ? Double(values[core + left * Self.rank + right]) : left == right ? 1 : 0
                    sum +=
                        Double(outer[b + place / inputs * Self.rank + left]) * between
                        * Double(outer[a + right * inputs + place % inputs])
                }
            }
            return sum
        }
    }

    /// How far the published product lies from the weighted mean of the workers' products, over the largest value.
    private func error(
        _ method: FactorAggregation, round: Int, from global: [Float], to next: [Float], _ updates: Updates,
        fixed: [Float]
    ) throws -> Double {
        let part = method.part(of: Self.layout(method), round: round)
        let total = updates.weights.reduce(0, +)
        var (worst, largest) = (0.0, 0.0)
        for layer in Self.layers.indices {
            var mean = try product(layer, next, method, fixed: fixed).map { _ in 0.0 }
            for (values, weight) in zip(updates.values, updates.weights) {
                var local = global
                part.scatter(zip(part.gather(global), values).map { $0 + $1 }, into: &local)
                for (place, value) in try product(layer, local, method, fixed: fixed).enumerated() {
                    mean[place] += weight / total * value
                }
            }
            for (value, wanted) in zip(try product(layer, next, method, fixed: fixed), mean) {
                worst = max(worst, abs(value - wanted))
                largest = max(largest, abs(wanted))
            }
        }
        return worst / largest
    }

    @Test(
        "the mean of products is the product of what is published",
        arguments: [FactorAggregation.ffaLoRA, .roLoRA, .fedSB])
    func exact(_ method: FactorAggregation) throws {
        let fixed = normalValues(Self.factors.parameterCount, key: 77)
        var global = normalValues(Self.layout(method).parameterCount, key: 78)
        for round in 1...4 {
            let count = method.part(of: Self.layout(method), round: round).count
            let updates = updates(workers: 7, count: count, key: UInt64(10 + round))
            let next = try published(updates, method, round: round, from: global)
            #expect(try error(method, round: round, from: global, to: next, updates, fixed: fixed) < 1e-5)
            global = next
        }
    }

    @Test("with both factors averaged it is not: what the exact methods are for")
    func inexact() throws {
        let global = normalValues(Self.factors.parameterCount, key: 78)
        let updates = updates(workers: 7, count: global.count, key: 11)
        let next = try published(updates, .separate, round: 1, from: global)
        #expect(try error(.separate, round: 1, from: global, to: next, updates, fixed: []) > 0.01)
    }

    @Test("what a method does not average stays to the bit", arguments: linear)
    func untouched(_ method: FactorAggregation) throws {
        let layout = Self.layout(method)
        let global = normalValues(layout.parameterCount, key: 5)
        for round in 1...2 {
            let part = method.part(of: layout, round: round)
            let next = try published(
                updates(workers: 3, count: part.count, key: 6), method, round: round, from: global)
            let sent = Set(part.ranges.flatMap { $0 })
            #expect(global.indices.allSatisfy { (global[$0] == next[$0]) == !sent.contains($0) })
        }
    }
}
