import CKernels
import Tensor
import Testing

@Suite("Matrix products")
struct MatMulTests {
    struct Case: Sendable {
        let rows: Int
        let inner: Int
        let columns: Int
    }
    static let cases = [
        Case(rows: 1, inner: 1, columns: 1), Case(rows: 1, inner: 20, columns: 53), Case(rows: 7, inner: 3, columns: 5),
        Case(rows: 64, inner: 8, columns: 172), Case(rows: 8, inner: 150, columns: 37),
        Case(rows: 3, inner: 300, columns: 40), Case(rows: 31, inner: 67, columns: 65),
    ]
    /// Types of the factors and of the result.
    static let types: [(factors: ElementType, result: ElementType)] = [
        (.float32, .float32), (.bfloat16, .bfloat16), (.bfloat16, .float32),
    ]

    /// One product in memory with gaps between all rows.
    private struct Product {
        let given: Case
        let left: [Float]
        let right: [Float]
        let start: [Float]
        let bias: [Float]

        init(_ given: Case, _ factors: ElementType, _ result: ElementType) {
            var values = TestValues(UInt64(given.rows + given.columns))
            self.given = given
            left = values.next(given.rows * given.inner).rounded(to: factors.kernelType)
            right = values.next(given.inner * given.columns).rounded(to: factors.kernelType)
            start = values.next(given.rows * given.columns).rounded(to: result.kernelType)
            bias = values.next(given.columns)
        }

        func expected(accumulates: Bool, hasBias: Bool) -> [Double] {
            let transposed = MatMulTests.transpose(right, given.inner, given.columns)
            let product = Naive.linear(
                left.doubles, transposed.doubles, inner: given.inner, bias: hasBias ? bias.doubles : nil)
            return accumulates ? zip(product, start).map { $0 + Double($1) } : product
        }

        /// A factor as it is stored, and the operand that reads it.
        static func store(
            _ values: [Float], _ rows: Int, _ columns: Int, _ type: ElementType, isTransposed: Bool, gap: Int
        ) -> (values: TypedValues, operand: (UnsafeRawPointer) -> MatMul.Operand) {
            let (storedRows, width) = isTransposed ? (columns, rows) : (rows, columns)
            let stored = isTransposed ? MatMulTests.transpose(values, rows, columns) : values
            return (
                TypedValues(stored.spread(width: width, stride: width + gap), type.kernelType),
                { address in
                    let operand = MatMul.Operand(address, type, rows: storedRows, columns: width, stride: width + gap)
                    return isTransposed ? operand.transposed : operand
                }
            )
        }
    }

    @Test(
        "Plain and transposed factors, with and without gaps, overwriting, adding and with a bias", arguments: cases,
        KernelLevel.supported)
    func product(_ given: Case, _ level: KernelLevel) {
        level.whileInUse { check(given) }
    }

    private func check(_ given: Case) {
        for (type, resultType) in Self.types {
            let product = Product(given, type, resultType)
            for (accumulates, hasBias) in [(false, false), (true, false), (false, true)] {
                for layout in 0..<8 {
                    let gap = layout & 4 == 0 ? 0 : 3
                    let (left, leftOperand) = Product.store(
                        product.left, given.rows, given.inner, type, isTransposed: layout & 1 != 0, gap: gap)
                    let (right, rightOperand) = Product.store(
                        product.right, given.inner, given.columns, type, isTransposed: layout & 2 != 0, gap: gap)
                    var result = TypedValues(
                        product.start.spread(width: given.columns, stride: given.columns + gap), resultType.kernelType)
                    left.bytes.withUnsafeBytes { left in
                        right.bytes.withUnsafeBytes { right in
                            result.bytes.withUnsafeMutableBytes { result in
                                guard let a = left.baseAddress, let b = right.baseAddress, let c = result.baseAddress
                                else { return }
                                MatMul.multiply(
                                    leftOperand(a), rightOperand(b),
                                    into: MatMul.Result(c, resultType, stride: given.columns + gap),
                                    accumulate: accumulates, bias: hasBias ? Vector(product.bias) : nil)
                            }
                        }
                    }
                    let found = result.floats.gathered(width: given.columns, stride: given.columns + gap)
                    let expected = product.expected(accumulates: accumulates, hasBias: hasBias)
                    #expect(
                        found.error(from: expected) < resultType.kernelType.tolerance,
                        "\(type) into \(resultType), layout \(layout), adding \(accumulates), bias \(hasBias)")
                }
            }
        }
    }

    @Test("A weight, the weight read the other way round, and some of its rows", arguments: types)
    func weights(_ types: (factors: ElementType, result: ElementType)) {
        var values = TestValues(2)
        let type = types.factors
        let (rows, inner, outputs) = (5, 16, 75)
        let x = values.next(rows * inner).rounded(to: type.kernelType)
        let matrix = values.next(outputs * inner).rounded(to: type.kernelType)
        let plain = Weight(rows: outputs, columns: inner, type: type, values: matrix)
        // As GPT-2 stores it.
        let stored = Weight(rows: inner, columns: outputs, type: type, values: Self.transpose(matrix, outputs, inner))
        let few = plain.rows(30, 20)
        let storedX = TypedValues(x, type.kernelType)
        for (weight, expected) in [
            (plain, matrix), (stored.transposed, matrix), (plain.transposed.transposed, matrix),
            (few, [Float](matrix[30 * inner..<50 * inner])),
        ] {
            var result = TypedValues(blank: rows * weight.rows, types.result.kernelType)
            storedX.bytes.withUnsafeBytes { x in
                result.bytes.withUnsafeMutableBytes { result in
                    guard let a = x.baseAddress, let c = result.baseAddress else { return }
                    MatMul.multiply(
                        MatMul.Operand(a, type, rows: rows, columns: inner), MatMul.Operand(weight).transposed,
                        into: MatMul.Result(c, types.result))
                }
            }
            let naive = Naive.linear(x.doubles, expected.doubles, inner: inner)
            #expect(result.floats.error(from: naive) < types.result.kernelType.tolerance)
        }
    }

    @Test("A sum of products of different depths", arguments: types, KernelLevel.supported)
    func sums(_ types: (factors: ElementType, result: ElementType), _ level: KernelLevel) {
        var values = TestValues(3)
        let (rows, columns, depths) = (29, 45, [6, 40, 1, 9, 8, 2, 16, 5])
        var expected = [Double](repeating: 0, count: rows * columns)
        let factors = depths.map { depth in
            let left = values.next(rows * depth).rounded(to: types.factors.kernelType)
            let right = values.next(columns * depth).rounded(to: types.factors.kernelType)
            let product = Naive.linear(left.doubles, right.doubles, inner: depth, bias: nil)
            expected = zip(expected, product).map { $0 + $1 }
            return (
                Weight(rows: rows, columns: depth, type: types.factors, values: left),
                Weight(rows: columns, columns: depth, type: types.factors, values: right)
            )
        }
        var result = TypedValues(blank: rows * columns, types.result.kernelType)
        result.bytes.withUnsafeMutableBytes { result in
            guard let target = result.baseAddress else { return }
            level.whileInUse {
                MatMul.add(
                    factors.map { MatMul.Term(MatMul.Operand($0), MatMul.Operand($1).transposed) },
                    into: MatMul.Result(target, types.result))
            }
        }
        #expect(depths.count == MatMul.termsMax)
        #expect(result.floats.error(from: expected) < types.result.kernelType.tolerance)
    }

    @Test("Threads change no bit", arguments: types)
    func threads(_ types: (factors: ElementType, result: ElementType)) {
        var values = TestValues(1)
        for (rows, inner, columns) in [(300, 64, 172), (1000, 200, 8), (3, 500, 4000), (16, 700, 500)] {
            let left = Weight(rows: rows, columns: inner, type: types.factors, values: values.next(rows * inner))
            let right = Weight(
                rows: columns, columns: inner, type: types.factors, values: values.next(inner * columns))
            let results = KernelLevel.current.whileInUse {
                [1, 2, 3, 7].map { threads in
                    Threads.limit(to: threads)
                    defer { Threads.limit(to: 1) }
                    var result = TypedValues(blank: rows * columns, types.result.kernelType)
                    result.bytes.withUnsafeMutableBytes { result in
                        guard let target = result.baseAddress else { return }
                        MatMul.multiply(
                            MatMul.Operand(left), MatMul.Operand(right).transposed,
                            into: MatMul.Result(target, types.result))
                    }
                    return result.bytes
                }
            }
            #expect(results.allSatisfy { $0 == results[0] })
        }
    }

    private static func transpose(_ values: [Float], _ rows: Int, _ columns: Int) -> [Float] {
        (0..<rows * columns).map { values[$0 % rows * columns + $0 / rows] }
    }
}
