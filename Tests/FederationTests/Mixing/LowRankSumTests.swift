import Federation
import Randomness
import Testing

@Suite("A sum of low-rank products")
struct LowRankSumTests {
    @Test("is decomposed as the product itself, however many terms", arguments: [1, 3, 40])
    func decomposition(_ terms: Int) {
        let (outputs, inputs, rank) = (12, 7, 2)
        var sum = LowRankSum(outputs: outputs, inputs: inputs)
        var dense = ColumnMatrix(rows: outputs, columns: inputs)
        var random = CounterRandom(key: 1)
        for term in 1...terms {
            let b = (0..<outputs * rank).map { _ in Double(random.normal()) }
            let a = (0..<rank * inputs).map { _ in Double(random.normal()) }
            sum.add(b: b, a: a, weight: Double(term))
            for row in 0..<outputs {
                for column in 0..<inputs {
                    for index in 0..<rank {
                        dense[row, column] += Double(term) * b[row * rank + index] * a[index * inputs + column]
                    }
                }
            }
        }
        // The stack never outgrows the product by more than a term.
        #expect(sum.rank * (outputs + inputs) <= 2 * outputs * inputs)
        let found = sum.decomposed()
        let expected = SingularValues(of: dense)
        let size = expected.values[0]
        let kept = min(terms * rank, inputs)
        #expect(largestDifference(Array(found.values.prefix(kept)), Array(expected.values.prefix(kept))) < 1e-12 * size)
        #expect(found.left.departureFromOrthonormal < 1e-12 && found.right.departureFromOrthonormal < 1e-12)
        var back = ColumnMatrix(rows: outputs, columns: inputs)
        for (index, value) in found.values.enumerated() {
            for row in 0..<outputs {
                for column in 0..<inputs {
                    back[row, column] += value * found.left[row, index] * found.right[column, index]
                }
            }
        }
        #expect(largestDifference(back.values, dense.values) < 1e-11 * size)
    }
}
