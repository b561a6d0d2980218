import Federation
import Randomness
import Testing

@Suite("The weighted mean of updates")
struct WeightedMeanTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let updates: [(values: [Float], weight: Double)]
        let expected: [Float]
    }

    @Test(
        "is Σ w·Δ / Σ w",
        arguments: [
            Case(testDescription: "one worker", updates: [([1, -2], 3)], expected: [1, -2]),
            Case(testDescription: "two equal", updates: [([0, 4], 1), ([4, 0], 1)], expected: [2, 2]),
            Case(testDescription: "one to three", updates: [([0, 4], 1), ([4, 0], 3)], expected: [3, 1]),
            Case(testDescription: "an empty adapter", updates: [([], 1)], expected: []),
        ])
    func mean(_ given: Case) throws {
        var mean = WeightedMean(parameterCount: given.expected.count)
        for update in given.updates { mean.add(update.values, weight: update.weight) }
        #expect(try mean.finish() == given.expected)
        #expect(mean.updateCount == given.updates.count)
    }

    @Test("keeps what a float32 sum would lose")
    func accuracy() throws {
        // A float32 sum of these stops growing at 2²⁴: its mean would be far from 1 + 2⁻²³.
        let value = Float(1).nextUp
        var mean = WeightedMean(parameterCount: 1)
        mean.add([value], weight: 16_777_216)
        for _ in 0..<1_000 { mean.add([value], weight: 1) }
        #expect(try mean.finish() == [value])
    }

    @Test("is within one float32 rounding of the exact mean for whole-number weights")
    func exactness() throws {
        var generator = CounterRandom(key: 1)
        var mean = WeightedMean(parameterCount: 1)
        // Values are multiples of 2⁻²⁴ below 1, so the exact weighted sum is an integer count of 2⁻²⁴.
        var exactSum = 0
        var exactWeight = 0
        for _ in 0..<5_000 {
            let (numerator, weight) = (generator.index(below: 1 << 24), 1 + generator.index(below: 1_000))
            mean.add([Float(numerator) * 0x1p-24], weight: Double(weight))
            exactSum += numerator * weight
            exactWeight += weight
        }
        #expect(try mean.finish() == [Float(Double(exactSum) / Double(exactWeight) * 0x1p-24)])
    }

    @Test("stays finite for the largest values")
    func extremes() throws {
        var mean = WeightedMean(parameterCount: 2)
        mean.add([.greatestFiniteMagnitude, .leastNonzeroMagnitude], weight: 0x1p64)
        mean.add([.greatestFiniteMagnitude, .leastNonzeroMagnitude], weight: 0x1p64)
        #expect(try mean.finish() == [.greatestFiniteMagnitude, .leastNonzeroMagnitude])
    }

    @Test("of no updates is an error that says what to change")
    func none() {
        let error = #expect(throws: AggregationError.noUpdates) { try WeightedMean(parameterCount: 3).finish() }
        #expect(error?.description.contains("federation.deadline") == true)
    }

    @Test("FedAvg adds the mean update to the adapter")
    func fedAvg() {
        var global: [Float] = [1, 2, 3]
        var optimizer = FedAvg()
        optimizer.step(global: &global, delta: [0.5, -2, 0])
        #expect(global == [1.5, 0, 3])
    }

    @Test("a cap bounds one worker's weight")
    func cap() {
        #expect(WeightCap().weight(trainingItems: 1_000_000) == 1_000_000)
        #expect(WeightCap(maximumItems: 100).weight(trainingItems: 1_000_000) == 100)
        #expect(WeightCap(maximumItems: 100).weight(trainingItems: 7) == 7)
        #expect(WeightCap(maximumItems: 100).weight(trainingItems: .max) == 100)
    }
}
