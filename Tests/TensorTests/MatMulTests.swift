import Tensor
import Testing

@Suite("Matrix products")
struct MatMulTests {
    /// Tests run side by side, and each thread's OpenMP pool would spin against the others'.
    init() { Threads.limit(to: 1) }

    struct Case: Sendable {
        let rows: Int
        let inner: Int
        let columns: Int
    }
    static let cases = [
        Case(rows: 1, inner: 1, columns: 1), Case(rows: 1, inner: 20, columns: 53), Case(rows: 7, inner: 3, columns: 5),
        Case(rows: 64, inner: 8, columns: 172), Case(rows: 8, inner: 150, columns: 37),
    ]

    @Test("Plain and transposed factors, overwriting and adding", arguments: cases, [false, true])
    func product(_ given: Case, _ accumulate: Bool) {
        var values = TestValues(UInt64(given.rows + given.columns))
        let (rows, inner, columns) = (given.rows, given.inner, given.columns)
        let left = values.next(rows * inner)
        let right = values.next(inner * columns)
        let start = values.next(rows * columns)
        let expected = (0..<rows * columns).map { index in
            (0..<inner).reduce(accumulate ? Double(start[index]) : 0) {
                $0 + Double(left[index / columns * inner + $1]) * Double(right[$1 * columns + index % columns])
            }
        }
        let matMul = MatMul()
        for isLeftTransposed in [false, true] {
            for isRightTransposed in [false, true] {
                var result = start
                let storedLeft = isLeftTransposed ? transpose(left, rows, inner) : left
                let storedRight = isRightTransposed ? transpose(right, inner, columns) : right
                storedLeft.withUnsafeBufferPointer { left in
                    storedRight.withUnsafeBufferPointer { right in
                        result.withUnsafeMutableBufferPointer { result in
                            guard let a = left.baseAddress, let b = right.baseAddress, let c = result.baseAddress
                            else { return }
                            let first =
                                isLeftTransposed
                                ? MatMul.Operand(a, rows: inner, columns: rows).transposed
                                : MatMul.Operand(a, rows: rows, columns: inner)
                            let second =
                                isRightTransposed
                                ? MatMul.Operand(b, rows: columns, columns: inner).transposed
                                : MatMul.Operand(b, rows: inner, columns: columns)
                            matMul.multiply(first, second, into: c, accumulate: accumulate)
                        }
                    }
                }
                #expect(result.error(from: expected) < 1e-5, "\(isLeftTransposed) \(isRightTransposed)")
            }
        }
    }

    @Test("Strided matrices leave their neighbours alone")
    func strides() {
        let matMul = MatMul()
        let left: [Float] = [1, 2, 99, 3, 4, 99]
        let right: [Float] = [1, 0, 99, 99, 0, 1, 99, 99]
        var result: [Float] = [0, 0, 7, 0, 0, 7]
        left.withUnsafeBufferPointer { left in
            right.withUnsafeBufferPointer { right in
                result.withUnsafeMutableBufferPointer { result in
                    guard let a = left.baseAddress, let b = right.baseAddress, let c = result.baseAddress else {
                        return
                    }
                    matMul.multiply(
                        MatMul.Operand(a, rows: 2, columns: 2, stride: 3),
                        MatMul.Operand(b, rows: 2, columns: 2, stride: 4), into: c, stride: 3)
                }
            }
        }
        #expect(result == [1, 2, 7, 3, 4, 7])
    }

    @Test("The same product twice gives the same bits")
    func repeatable() {
        var values = TestValues(1)
        let (left, right) = (values.next(200 * 64), values.next(64 * 172))
        let matMul = MatMul()
        let results = (0..<3).map { _ in
            var result = [Float](repeating: 0, count: 200 * 172)
            left.withUnsafeBufferPointer { left in
                right.withUnsafeBufferPointer { right in
                    result.withUnsafeMutableBufferPointer { result in
                        guard let a = left.baseAddress, let b = right.baseAddress, let c = result.baseAddress
                        else { return }
                        matMul.multiply(
                            MatMul.Operand(a, rows: 200, columns: 64), MatMul.Operand(b, rows: 64, columns: 172),
                            into: c)
                    }
                }
            }
            return result
        }
        #expect(results[0] == results[1] && results[1] == results[2])
    }

    private func transpose(_ values: [Float], _ rows: Int, _ columns: Int) -> [Float] {
        (0..<rows * columns).map { values[$0 % rows * columns + $0 / rows] }
    }
}
