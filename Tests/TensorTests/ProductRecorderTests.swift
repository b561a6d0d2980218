import Tensor
import Testing

@Suite("Recording products")
struct ProductRecorderTests {
    @Test("a noted product gives the same result when it is made again")
    func replay() throws {
        Threads.limit(to: 1)
        let weight = Weight(rows: 3, columns: 4, values: (0..<12).map { Float($0) - 5 })
        let input = (0..<10).map { Float($0) / 4 }  // Two rows of four, five apart.
        var result = [Float](repeating: 1, count: 6)
        let recorder = ProductRecorder()
        input.withUnsafeBufferPointer { input in
            result.withUnsafeMutableBufferPointer { result in
                guard let inputBase = input.baseAddress, let resultBase = result.baseAddress else { return }
                let left = MatMul.Operand(inputBase, rows: 2, columns: 4, stride: 5)
                recorder.recording {
                    MatMul.multiply(left, MatMul.Operand(weight).transposed, into: MatMul.Result(resultBase))
                    recorder.isOn = true
                    MatMul.multiply(
                        left, MatMul.Operand(weight).transposed, into: MatMul.Result(resultBase), accumulate: true)
                }
                // Outside, so not noted.
                MatMul.multiply(left, MatMul.Operand(weight).transposed, into: MatMul.Result(resultBase))
                for product in recorder.products { MatMul.multiply(product) }
            }
        }
        let product = try #require(recorder.products.first)
        #expect(recorder.products.count == 1)
        let term = try #require(product.terms.first)
        #expect(product.terms.count == 1 && product.accumulates && term.right.isWeight && !term.left.isWeight)
        #expect(term.left.byteCount == 9 * 4)
        #expect(term.right.byteCount == 12 * 4)
        #expect(product.resultByteCount == 6 * 4)
        var once: [Float] = []
        for row in 0..<2 {
            for output in 0..<3 {
                var sum: Float = 0
                for column in 0..<4 { sum += input[row * 5 + column] * Float(output * 4 + column - 5) }
                once.append(sum)
            }
        }
        #expect(result == once.map { 2 * $0 })
    }
}
